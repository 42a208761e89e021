/**
 * The inbox: what the platform delivered, until the next turn takes it.
 *
 * Invariants:
 * - An item is raw input. Which peer it belongs to is looked up only when its turn processes it (events.ts).
 * - A turn takes all items, in arrival order. It starts once nothing more comes in (batch-timer.ts), or at once when the
 *   items are larger than `INBOX_UNITS`.
 * - R9: the inbox has a timer only while an item waits.
 */
import type { Join } from "../core/event.ts";
import { MIB } from "../core/limits.ts";
import type { AdminRequest } from "../protocol/admin.ts";
import type { CloseFrame } from "../protocol/close-codes.ts";
import type { ConnectionId, ConnectionRef } from "../protocol/ids.ts";
import { BatchTimer } from "./batch-timer.ts";

export type InboxItem =
  | { readonly type: "join"; readonly id: ConnectionId; readonly join: Join }
  | { readonly type: "frame"; readonly ws: WebSocket; readonly text: string }
  /** A frame that is not even parsed: binary, or too big. */
  | { readonly type: "invalidFrame"; readonly ws: WebSocket; readonly close: CloseFrame }
  | { readonly type: "closed"; readonly ws: WebSocket; readonly code: number }
  /** The runtime did not accept the connection. */
  | { readonly type: "acceptFailed"; readonly link: ConnectionRef }
  | { readonly type: "admin"; readonly requestId: number; readonly request: AdminRequest }
  | { readonly type: "tick" };

/** Size of the items that may wait for a turn, in UTF-16 units of text; beyond it the turn starts at once. */
export const INBOX_UNITS = 4 * MIB;
/** The size of an item besides its text. */
const ITEM_UNITS = 128;

/** The turns that take the items. */
export interface Turns {
  /** Takes all items, synchronously. */
  take(items: readonly InboxItem[]): void;
  /** Whether a peer still has to be fed from the log. Called only if it matters. */
  isAnyoneBehind(): boolean;
}

export class Inbox {
  readonly #turns: Turns;
  readonly #batchTimer: BatchTimer;
  #items: InboxItem[] = [];
  #units = 0;
  #pendingTurn: Promise<void> | undefined;

  /** @param commitInterval the longest time in ms that a turn waits to be committed with more; 0: none waits */
  constructor(commitInterval: number, turns: Turns) {
    this.#batchTimer = new BatchTimer(commitInterval);
    this.#turns = turns;
  }

  get isEmpty(): boolean {
    return this.#items.length === 0 && this.#pendingTurn === undefined;
  }

  /** Whether a turn will take what is pushed now, so that nobody else has to start one. */
  get isTurnPending(): boolean {
    return this.#pendingTurn !== undefined;
  }

  /** @returns the turn that will take the item; while it is pending, the object does not hibernate */
  push(item: InboxItem): Promise<void> {
    this.#items.push(item);
    this.#units += sizeOf(item);
    if (this.#units > INBOX_UNITS) this.#takeTurn();
    this.#pendingTurn ??= new Promise((resolve) => {
      const take = (): void => {
        this.#pendingTurn = undefined;
        this.#takeTurn();
        resolve();
      };
      const check = (): void => {
        if (this.#batchTimer.shouldKeepBatching(this.#items.length, Date.now())) {
          setTimeout(check, 0);
          return;
        }
        const wait = this.#waitMs();
        if (wait > 0) setTimeout(take, wait);
        else take();
      };
      this.#batchTimer.start(Date.now());
      setTimeout(check, 0);
    });
    return this.#pendingTurn;
  }

  /** A turn has committed entries. */
  committed(now: number): void {
    this.#batchTimer.committed(now);
  }

  #takeTurn(): void {
    const items = this.#items;
    this.#items = [];
    this.#units = 0;
    this.#turns.take(items);
  }

  #waitMs(): number {
    const isAnyoneBehind = (): boolean => this.#turns.isAnyoneBehind();
    return this.#batchTimer.waitMs(textsOf(this.#items), isAnyoneBehind, Date.now());
  }
}

const sizeOf = (item: InboxItem): number =>
  ITEM_UNITS + (item.type === "frame" ? item.text.length : 0);

export const socketsOf = (items: readonly InboxItem[]): WebSocket[] =>
  items.flatMap((item) => ("ws" in item ? [item.ws] : []));

function* textsOf(items: readonly InboxItem[]): Generator<string, void> {
  for (const item of items) if (item.type === "frame") yield item.text;
}

/** Splits the items around erase requests: earlier items are delivered first, later ones reach the new room. */
export function splitAtErase<
  One extends { readonly type: string; readonly request?: { readonly type: string } },
>(items: readonly One[]): One[][] {
  const parts: One[][] = [];
  let start = 0;
  items.forEach((item, index) => {
    if (item.request?.type !== "Erase") return;
    parts.push(items.slice(start, index), [item]);
    start = index + 1;
  });
  parts.push(items.slice(start));
  return parts.filter((part) => part.length > 0);
}

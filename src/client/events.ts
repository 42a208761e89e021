/**
 * The types that an application gets from a client: events, entries, the state of the connection.
 *
 * Invariant: a listener that throws disturbs neither the client nor another listener; its error is thrown on its own.
 */
import type { Data } from "../protocol/frames.ts";
import type { ChatError, RefusedError } from "./errors.ts";
import type { ConnectionState } from "./connection-state.ts";

/** What a message and a patch have in common. `seq` is the place in the room's order; `id` is the sender's. */
interface Placed<D extends Data> {
  readonly seq: number;
  readonly from: string;
  /** Absent: to everyone. */
  readonly to?: readonly string[] | undefined;
  readonly id?: string | undefined;
  /** Server time in ms since 1970; for display. */
  readonly at: number;
  /** Nobody is to be disturbed: no notification, and not unread. */
  readonly quiet?: true | undefined;
  /** The last patch of this message; of a patch: the later one that took its place. */
  readonly patched?: number | undefined;
  /** Who erased it, if not its author. */
  readonly by?: "operator" | undefined;
  /** What an application attached. Another client may have written anything: check it before use. */
  readonly data?: D | undefined;
}

/** One message of the room, as its last patch left it. */
export interface Entry<D extends Data = Data> extends Placed<D> {
  readonly text: string;
  /** The earlier message that it refers to; that may be one that is no longer kept, or was never there. */
  readonly ref?: number | undefined;
  /** How often its author changed it. */
  readonly patches?: number | undefined;
  /** Text and data were erased. */
  readonly erased?: true | undefined;
}

/**
 * A change of an earlier message. Apply it to your copy if `patched` is absent here and `seq` is above the `patched` of the
 * copy, or above its `seq` if it has none; `chat-room/model` does that.
 */
export interface Patch<D extends Data = Data> extends Placed<D> {
  /** The message that it changes. */
  readonly ref: number;
  /** The new text; absent: as it was. `data` likewise. */
  readonly text?: string | undefined;
  readonly erase?: true | undefined;
}

export interface SendOptions<D extends Data = Data> {
  /** Names; absent: everyone that the room knows. */
  readonly to?: readonly string[];
  /** The `seq` of an earlier message: a reply, a quote, a thread. */
  readonly ref?: number;
  /** A JSON object of at most `dataLimit` bytes, which the room does not read. With it, the text may be empty. */
  readonly data?: D;
  /** Nobody is to be disturbed. */
  readonly quiet?: boolean;
}

export interface ReplyOptions {
  /** Names, or `"everyone"`; absent: the sender of the entry. */
  readonly to?: readonly string[] | "everyone";
}

/** A page of earlier messages, oldest first. Request the next with `before: next`; without `next` it was the last. */
export interface HistoryPage<D extends Data = Data> {
  readonly messages: readonly Entry<D>[];
  readonly next?: number;
}

/** Names that the room knows. Request the next page with `after: next`; without `next` it was the last. */
export interface WhoPage {
  readonly peers: readonly { readonly name: string; readonly online: boolean }[];
  readonly next?: string;
}

/** The state of the connection, for people. Times are ms since 1970. */
export type ClientState =
  | { readonly type: "connecting"; readonly tries: number }
  /**
   * Connected, and replaying missed entries: those of since+1..head that concern this client. Both are 0 before the
   * `welcome`.
   */
  | { readonly type: "replaying"; readonly since: number; readonly head: number }
  /** `checking`: the browser reports the network as lost, and a `ping` checks that, 3 s at most. */
  | { readonly type: "live"; readonly checking?: true }
  | { readonly type: "offline"; readonly retryAt: number; readonly why: string }
  /** Paused, until `resume()`. */
  | { readonly type: "paused" }
  /** For good: `close()` was called (1000), or the close code forbids another try. */
  | { readonly type: "closed"; readonly code: number; readonly why: string };

/** @param toWall converts a moment of the client's clock to ms since 1970 */
export const stateOf = (link: ConnectionState, toWall: (moment: number) => number): ClientState => {
  switch (link.type) {
    case "connecting":
      return { type: "connecting", tries: link.tries };
    case "replaying":
      return { type: "replaying", since: link.since, head: link.head };
    case "live":
      return { type: "live", ...(link.checking && { checking: true }) };
    case "offline":
      return { type: "offline", retryAt: toWall(link.retryAt), why: link.why };
    case "paused":
      return { type: "paused" };
    case "closed":
      return link;
    default:
      return link satisfies never;
  }
};

/** A message of this client that the room has not confirmed. */
export interface OutboxMessage<D extends Data = Data> {
  readonly type: "message";
  readonly id: string;
  readonly text: string;
  readonly to?: readonly string[];
  readonly ref?: number;
  readonly data?: D;
  readonly quiet?: true;
}

/** A change of an own message that the room has not confirmed. */
export interface OutboxPatch<D extends Data = Data> {
  readonly type: "patch";
  readonly id: string;
  readonly ref: number;
  readonly text?: string;
  readonly data?: D;
  readonly erase?: true;
}

export type OutboxItem<D extends Data = Data> = OutboxMessage<D> | OutboxPatch<D>;

export interface ClientEvents<D extends Data = Data> {
  readonly state: ClientState;
  /** Messages, once each, in the room's order; own ones too. */
  readonly entry: Entry<D>;
  /** Changes of earlier messages, once each, in the room's order; own ones too. */
  readonly patch: Patch<D>;
  readonly presence: {
    readonly joined: readonly string[];
    readonly left: readonly string[];
    readonly online: number;
    /** Some presence was dropped: query `who`. */
    readonly missed?: true;
  };
  /** An ephemeral. */
  readonly signal: {
    readonly from: string;
    readonly to?: readonly string[];
    readonly data: unknown;
  };
  /** The content of `outbox` has changed. */
  readonly outbox: readonly OutboxItem<D>[];
  /**
   * Entries from..to were removed before this client had them. Patches may be among them: copies of messages from before
   * may be out of date.
   */
  readonly gap: { readonly from: number; readonly to: number };
  /** A gap has hidden whether this item was stored. */
  readonly unknown: OutboxItem<D>;
  /** An item was refused; it may be of an earlier life of this client. */
  readonly refused: OutboxItem<D> & { readonly error: RefusedError };
  /** An error that concerns no single message. */
  readonly error: ChatError;
}

export class Emitter {
  readonly #listeners = new Map<string, Set<(event: never) => void>>();
  readonly #once = new Set<() => void>();

  on<Type extends keyof ClientEvents>(
    type: Type,
    listener: (event: ClientEvents[Type]) => void,
  ): () => void {
    const listeners = this.#listeners.get(type) ?? new Set();
    this.#listeners.set(type, listeners.add(listener));
    return () => listeners.delete(listener);
  }

  /** Whether there is a listener for events of this type. */
  has(type: keyof ClientEvents): boolean {
    return (this.#listeners.get(type)?.size ?? 0) > 0;
  }

  /** @returns whether every listener returned; an error of a listener is thrown on its own */
  emit<Type extends keyof ClientEvents>(type: Type, event: ClientEvents[Type]): boolean {
    let isHandled = true;
    for (const listener of this.#listeners.get(type) ?? []) {
      try {
        (listener as (event: ClientEvents[Type]) => void)(event);
      } catch (error) {
        isHandled = false;
        queueMicrotask(() => {
          throw error;
        });
      }
    }
    for (const wake of this.#once) wake();
    return isHandled;
  }

  /** Waits for any event, `ms` at most. */
  next(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        this.#once.delete(wake);
        clearTimeout(timer);
        resolve();
      };
      const timer = setTimeout(wake, ms);
      this.#once.add(wake);
    });
  }
}

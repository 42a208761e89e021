/**
 * The types that an application gets from a client: events, entries, the state of the connection.
 *
 * Invariant: a listener that throws disturbs neither the client nor another listener; its error is thrown on its own.
 */
import type { ChatError, RefusedError } from "./errors.ts";
import type { ConnectionState } from "./connection-state.ts";

/** One message of the room. `seq` is its place; `at` is server time in ms, for display; `id` is the sender's. */
export interface Entry {
  readonly seq: number;
  readonly from: string;
  /** Absent: to everyone. */
  readonly to?: readonly string[] | undefined;
  readonly text: string;
  readonly id?: string | undefined;
  readonly at: number;
  /** An operator erased the text. */
  readonly redacted?: true | undefined;
}

export interface SendOptions {
  /** Names; absent: everyone that the room knows. */
  readonly to?: readonly string[];
}

export interface ReplyOptions {
  /** Names, or `"everyone"`; absent: the sender of the entry. */
  readonly to?: readonly string[] | "everyone";
}

/** A page of earlier messages, oldest first. Request the next with `before: next`; without `next` it was the last. */
export interface HistoryPage {
  readonly messages: readonly Entry[];
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
export interface OutboxMessage {
  readonly id: string;
  readonly text: string;
  readonly to?: readonly string[];
}

export interface ClientEvents {
  readonly state: ClientState;
  /** Once each, in the room's order; own messages too. */
  readonly entry: Entry;
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
  readonly outbox: readonly OutboxMessage[];
  /** Entries from..to were removed before this client had them. */
  readonly gap: { readonly from: number; readonly to: number };
  /** A gap has hidden whether this message was stored. */
  readonly unknown: OutboxMessage;
  /** A message was refused; it may be of an earlier life of this client. */
  readonly refused: OutboxMessage & { readonly error: RefusedError };
  /** An operator erased the text of an entry. */
  readonly redacted: { readonly seq: number };
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

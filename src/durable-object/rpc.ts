/**
 * Calls of the Worker into the room's object, for the operator: requests that wait for the result of their turn.
 *
 * Invariant: every request is resolved once: by the turn that took it, or with `trouble` if that failed.
 */
import type { AdminRequest, AdminResult } from "../protocol/admin.ts";

/** Rows as billed, SQL statements, frames handed to sockets, entries encoded. */
export type Counters = Readonly<
  Record<"rowsRead" | "rowsWritten" | "statements" | "frames" | "encoded", number>
>;

/** The counters of one life in memory. */
export interface InstanceFacts extends Counters {
  /** When the room was last rebuilt from what is stored, ms since 1970. */
  readonly since: number;
  /** How often this instance was rebuilt: more than once means a storage error, or an erased room. */
  readonly wakes: number;
}

export type AdminResponse =
  | Exclude<AdminResult, { type: "stats" }>
  | (Extract<AdminResult, { type: "stats" }> & {
      readonly epoch: string;
      readonly instance: InstanceFacts;
    })
  /** The request is malformed; `message` holds nothing of it. */
  | { readonly type: "bad-order"; readonly message: string }
  /** No peer ever joined this room, or none did since it was erased. */
  | { readonly type: "no-room" };

export class PendingRequests {
  readonly #waiting = new Map<number, (response: AdminResponse) => void>();
  #lastId = 0;

  /** @returns the id of the request */
  register(resolve: (response: AdminResponse) => void): number {
    this.#waiting.set(++this.#lastId, resolve);
    return this.#lastId;
  }

  resolve(requestId: number, response: AdminResponse): void {
    this.#waiting.get(requestId)?.(response);
    this.#waiting.delete(requestId);
  }
}

/** Returns the response for a room that does not exist. Erasing it again is no error. */
export const responseWithoutRoom = ({ type }: AdminRequest): AdminResponse =>
  type === "Erase" ? { type: "done" } : { type: "no-room" };

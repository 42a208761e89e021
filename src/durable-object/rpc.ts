/**
 * Where the operator's orders wait for their answers, inside the room's object.
 *
 * Invariant: every order is answered, once: by the turn that took it, or with `trouble` if that failed.
 */
import type { AdminRequest, AdminResult } from "../protocol/admin.ts";

/** What the room did since its memory was last made from what is stored. */
export interface InstanceFacts extends Counters {
  /** When that was, ms since 1970. */
  readonly since: number;
  /** How often that happened to this instance of the object: more than once means storage trouble, or a closed room. */
  readonly wakes: number;
}

export type AdminResponse =
  | Exclude<AdminResult, { type: "stats" }>
  | (Extract<AdminResult, { type: "stats" }> & {
      readonly epoch: string;
      readonly instance: InstanceFacts;
    })
  /** What was asked is no order; `message` holds nothing of it. */
  | { readonly type: "bad-order"; readonly message: string }
  /** Nobody ever joined this room, or nobody did since it was erased. */
  | { readonly type: "no-room" };

export class PendingRequests {
  readonly #waiting = new Map<number, (reply: AdminResponse) => void>();
  #asks = 0;

  /** @returns which answer is theirs */
  register(resolve: (reply: AdminResponse) => void): number {
    this.#waiting.set(++this.#asks, resolve);
    return this.#asks;
  }

  answer(ask: number, reply: AdminResponse): void {
    this.#waiting.get(ask)?.(reply);
    this.#waiting.delete(ask);
  }
}

/** What is answered for a room that is not there. Erasing it again is no mistake. */
export const responseWithoutRoom = ({ type }: AdminRequest): AdminResponse =>
  type === "Erase" ? { type: "done" } : { type: "no-room" };
/** Rows as billed, SQL statements, frames handed over, entries turned into text. */
export type Counters = Readonly<
  Record<"rowsRead" | "rowsWritten" | "statements" | "frames" | "encoded", number>
>;

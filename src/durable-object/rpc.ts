/**
 * Where the operator's orders wait for their answers, inside the room's object.
 *
 * Invariant: every order is answered, once: by the turn that took it, or with `trouble` if that failed.
 */
import type { Order, Outcome } from "../protocol/admin.ts";

/** What the room did since its memory was last made from what is stored. */
export interface InstanceFacts extends Counters {
  /** When that was, ms since 1970. */
  readonly since: number;
  /** How often that happened to this instance of the object: more than once means storage trouble, or a closed room. */
  readonly wakes: number;
}

export type Reply =
  | Exclude<Outcome, { type: "stats" }>
  | (Extract<Outcome, { type: "stats" }> & {
      readonly epoch: string;
      readonly instance: InstanceFacts;
    })
  /** What was asked is no order; `message` holds nothing of it. */
  | { readonly type: "bad-order"; readonly message: string }
  /** Nobody ever joined this room, or nobody did since it was erased. */
  | { readonly type: "no-room" };

export class Desk {
  readonly #waiting = new Map<number, (reply: Reply) => void>();
  #asks = 0;

  /** @returns which answer is theirs */
  expect(answer: (reply: Reply) => void): number {
    this.#waiting.set(++this.#asks, answer);
    return this.#asks;
  }

  answer(ask: number, reply: Reply): void {
    this.#waiting.get(ask)?.(reply);
    this.#waiting.delete(ask);
  }
}

/** What is answered for a room that is not there. Erasing it again is no mistake. */
export const replyWithoutRoom = ({ type }: Order): Reply =>
  type === "Erase" ? { type: "done" } : { type: "no-room" };
/** Rows as billed, SQL statements, frames handed over, entries turned into text. */
export type Counters = Readonly<
  Record<"rowsRead" | "rowsWritten" | "statements" | "frames" | "encoded", number>
>;

/**
 * Marks of entries that were carried from another room into this one. They are a part of the record, saved in one step with
 * the outbox, so that an entry which the source delivers again after a crash is not carried twice.
 *
 * Invariant: a mark is kept as long as its entry can be delivered again, which is until the storage of the source has it
 * as done.
 */

/** One message that was accepted for an entry of the source. */
interface Mark {
  readonly seq: number;
  /** How many messages were accepted for this entry before, from 0 on. */
  readonly n: number;
  /** Its id in the outbox. */
  readonly id: string;
}

/** The marks of one source. */
export interface Carried {
  /** Endpoint, room and name of the client that delivered the entries. */
  readonly source: string;
  readonly epoch: string;
  readonly marks: readonly Mark[];
}

/** An entry of a source. */
export interface Origin {
  readonly source: string;
  readonly epoch: string;
  readonly seq: number;
  /** The position up to which the storage of the source has everything as done. */
  readonly done: number;
}

/** @returns the id of the message that was accepted for this entry by an earlier life */
export const idOfCarried = (
  carried: readonly Carried[],
  { source, epoch, seq }: Origin,
  n: number,
): string | undefined =>
  carried
    .find((one) => one.source === source && one.epoch === epoch)
    ?.marks.find((mark) => mark.seq === seq && mark.n === n)?.id;

/** Adds a mark, and drops those that are no longer needed. */
export function withCarried(
  carried: readonly Carried[],
  { source, epoch, seq, done }: Origin,
  mark: { readonly n: number; readonly id: string },
): readonly Carried[] {
  const others = carried.filter((one) => one.source !== source);
  const before = carried.find((one) => one.source === source && one.epoch === epoch);
  const marks = (before?.marks ?? []).filter((one) => one.seq > done);
  return [...others, { source, epoch, marks: [...marks, { seq, ...mark }] }];
}

/**
 * What was carried from another room into this one, as a part of the record: one step with the outbox, so that an entry
 * which the source shows again after a crash is not carried twice.
 *
 * Invariant: a mark is kept for as long as its entry can be shown again, which is until the source's storage says that
 * the entry is done.
 */

/** One message that was accepted for an entry of the source. */
interface Mark {
  readonly seq: number;
  /** How many messages were accepted for this entry before, from 0 on. */
  readonly n: number;
  /** Its id in the outbox. */
  readonly id: string;
}

/** What was carried from one source. */
export interface Carried {
  /** Endpoint, room and name of the client that heard it. */
  readonly source: string;
  readonly epoch: string;
  readonly marks: readonly Mark[];
}

/** An entry of a source. */
export interface Origin {
  readonly source: string;
  readonly epoch: string;
  readonly seq: number;
  /** The position up to which the source's storage says that all is done. */
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

/** Adds a mark, and drops those that are not needed any more. */
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

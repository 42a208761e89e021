/**
 * Entries that were sent to one peer and are not acknowledged.
 *
 * Invariant: `seqs` rise; `bytes` is the sum of the sizes from `next` on. Plain data, so that a room can be copied.
 */
import type { Seq } from "../../protocol/ids.ts";

export interface InFlight {
  readonly seqs: Seq[];
  readonly sizes: number[];
  /** The index of the oldest that is not acknowledged yet. */
  next: number;
  bytes: number;
}

export const initialInFlight = (): InFlight => ({ seqs: [], sizes: [], next: 0, bytes: 0 });

export const countInFlight = (flight: InFlight): number => flight.seqs.length - flight.next;

export function push(flight: InFlight, seq: Seq, bytes: number): void {
  flight.seqs.push(seq);
  flight.sizes.push(bytes);
  flight.bytes += bytes;
}

/** Removes everything up to `seq`. @returns the bytes that were freed */
export function ackUpTo(flight: InFlight, seq: Seq): number {
  const before = flight.bytes;
  const { seqs, sizes } = flight;
  while (flight.next < seqs.length && (seqs[flight.next] ?? 0) <= seq) {
    flight.bytes -= sizes[flight.next] ?? 0;
    flight.next++;
  }
  // Compacts now and then, so that the arrays of a busy peer neither grow nor are moved at each ack.
  if (flight.next === seqs.length || flight.next > 1_024) {
    seqs.splice(0, flight.next);
    sizes.splice(0, flight.next);
    flight.next = 0;
  }
  return before - flight.bytes;
}

/**
 * A name's quota of the log: how much of it one name may fill in a day, so that no name pushes out the messages of others.
 *
 * Invariants:
 * - In any 24 hours one name adds at most its quota, in entries and in bytes; it refills in steps of a slot. One message is
 *   always allowed, however large.
 * - `QuotaUsage` is never changed in place, so it can be kept, saved and copied as it is.
 */
import { DAY, type Limits, MIB } from "../limits.ts";
import { type QuotaUsage } from "../ports.ts";

/** The steps in which a name's quota of the log refills. */
export const SHARE_SLOT_MS = DAY / 6;

/** Entries and bytes that one name may add in 24 hours. */
export interface Quota {
  readonly entries: number;
  readonly bytes: number;
}

/** @returns undefined if the operator has set no bound */
export function quotaOf({ share, logEntries, logMebibytes }: Limits): Quota | undefined {
  if (share === 0) return undefined;
  const part = share / 100;
  return { entries: Math.ceil(logEntries * part), bytes: Math.ceil(logMebibytes * MIB * part) };
}

/** Adds one entry of `bytes`. @returns undefined, and nothing is used, if that would exceed the quota */
export function consume(
  used: QuotaUsage,
  quota: Quota,
  bytes: number,
  now: number,
): QuotaUsage | undefined {
  // A slot counts until its last moment is a day ago.
  const recent = used.filter(({ at }) => at + SHARE_SLOT_MS + DAY > now);
  let entries = 1;
  let total = bytes;
  for (const slot of recent) {
    entries += slot.entries;
    total += slot.bytes;
  }
  if (entries > 1 && (entries > quota.entries || total > quota.bytes)) return undefined;
  const last = recent.at(-1);
  if (last === undefined || last.at + SHARE_SLOT_MS <= now) {
    return [...recent, { at: now, entries: 1, bytes }];
  }
  return [
    ...recent.slice(0, -1),
    { at: last.at, entries: last.entries + 1, bytes: last.bytes + bytes },
  ];
}

/** Slots in the future, written before the clock was set back, count from `now` on. */
export const notAfter = (used: QuotaUsage, now: number): QuotaUsage =>
  used.some(({ at }) => at > now)
    ? used.map((slot) => ({ ...slot, at: Math.min(slot.at, now) }))
    : used;

/** Numbers only, as they are stored: three for each slot; empty for nothing. */
export const encodeUsage = (used: QuotaUsage): string =>
  used.map(({ at, entries, bytes }) => `${at},${entries},${bytes}`).join(";");

export const decodeUsage = (text: string): QuotaUsage =>
  text === ""
    ? []
    : text.split(";").map((slot) => {
        const [at = 0, entries = 0, bytes = 0] = slot.split(",").map(Number);
        return { at, entries, bytes };
      });

/**
 * One absence, from the lost connection to the last message that waited for it: the messages that wait on both sides,
 * and those of the replay.
 *
 * Invariant: every number was observed. While away, only another tab of this browser shows what waits in the room; at
 * the return the room gives an upper bound; entries are counted as they arrive.
 */
import type { ClientState } from "../../../client/index.ts";
import type { Tally } from "./log.ts";

/** How many seqs of other tabs are remembered. */
const SEEN_MAX = 10_000;

interface Return {
  /** The page was just opened: the absence is the time since it was last open. */
  readonly isFirst: boolean;
  /** The person used the switch. */
  readonly isDeliberate: boolean;
  /** Messages of others. */
  readonly received: number;
  /** Own messages. */
  readonly sent: number;
  /** The seq of the first message of others. */
  readonly first?: number;
  readonly duplicates: number;
  readonly outOfOrder: number;
}

export type Absence =
  | { readonly phase: "none" }
  | {
      readonly phase: "away";
      readonly isFirst: boolean;
      readonly isDeliberate: boolean;
      readonly seen: ReadonlySet<number>;
    }
  /** The replay goes up to `head`, and is at `at`. */
  | ({
      readonly phase: "returning";
      readonly head: number;
      readonly at: number;
    } & Return)
  | ({ readonly phase: "back" } & Return);

export const NONE: Absence = { phase: "none" };
export const FIRST: Absence = {
  phase: "away",
  isFirst: true,
  isDeliberate: false,
  seen: new Set(),
};

const nothing = { received: 0, sent: 0, duplicates: 0, outOfOrder: 0 } as const;

export function onState(absence: Absence, state: ClientState): Absence {
  switch (state.type) {
    case "paused":
    case "offline": {
      const isDeliberate = state.type === "paused";
      if (absence.phase === "away") {
        return { ...absence, isDeliberate: absence.isDeliberate || isDeliberate };
      }
      const isFirst = absence.phase === "returning" && absence.isFirst;
      return { phase: "away", isFirst, isDeliberate, seen: new Set() };
    }
    case "replaying": {
      const { since: at, head } = state;
      if (absence.phase === "returning") return { ...absence, at, head };
      const { isFirst, isDeliberate } =
        absence.phase === "away" ? absence : { isFirst: false, isDeliberate: false };
      return { phase: "returning", isFirst, isDeliberate, at, head, ...nothing };
    }
    case "live":
      if (absence.phase !== "returning") return absence;
      return { ...absence, phase: "back" };
    case "connecting":
    case "closed":
      return absence;
    default:
      return state satisfies never;
  }
}

/** The room confirmed a message that was in the outbox when the connection was live again. */
export const onSent = (absence: Absence): Absence =>
  absence.phase === "back" ? { ...absence, sent: absence.sent + 1 } : absence;

/**
 * An entry arrived.
 * @param tally of this entry alone
 */
export function onEntry(
  absence: Absence,
  seq: number,
  isMine: boolean,
  { duplicates, outOfOrder }: Tally,
): Absence {
  if (absence.phase !== "returning") return absence;
  const { first = isMine ? undefined : seq } = absence;
  return {
    ...absence,
    at: Math.max(absence.at, seq),
    received: absence.received + (isMine ? 0 : 1),
    sent: absence.sent + (isMine ? 1 : 0),
    ...(first !== undefined && { first }),
    duplicates: absence.duplicates + duplicates,
    outOfOrder: absence.outOfOrder + outOfOrder,
  };
}

/** A quiet entry or a patch arrived: the replay goes on, and no message came. */
export const onSilent = (absence: Absence, seq: number): Absence =>
  absence.phase === "returning" ? { ...absence, at: Math.max(absence.at, seq) } : absence;

/** Another tab of this browser received an entry that concerns this one. */
export function onSeen(absence: Absence, seq: number): Absence {
  if (absence.phase !== "away" || absence.seen.size >= SEEN_MAX || absence.seen.has(seq))
    return absence;
  return { ...absence, seen: new Set(absence.seen).add(seq) };
}

const messages = (count: number): string => `${count} message${count === 1 ? "" : "s"}`;

/** Counts the messages of the replay in a sentence; undefined if there is nothing to report. */
export function summary(absence: Absence): string | undefined {
  if (absence.phase !== "back") return undefined;
  const { isFirst, isDeliberate, received, sent, duplicates, outOfOrder } = absence;
  if (received === 0 && sent === 0) {
    return isDeliberate ? "Connected again. You missed no messages." : undefined;
  }
  const parts: string[] = [];
  if (received > 0) {
    const order = outOfOrder === 0 ? "in order" : `${outOfOrder} out of order`;
    const doubles = duplicates === 0 ? "none twice" : `${duplicates} twice`;
    const when = isFirst ? "were away" : "were cut off";
    parts.push(`${messages(received)} came while you ${when}, ${order}, ${doubles}.`);
  }
  if (sent > 0 && !isFirst) {
    const be = sent === 1 ? "was" : "were";
    const own = received > 0 ? String(sent) : `Connected again. ${messages(sent)}`;
    parts.push(`${own} of yours ${be} sent.`);
  }
  return parts.length === 0 ? undefined : parts.join(" ");
}

/** The line above the replayed messages. */
export const replayLine = ({ received, isFirst }: Return): string =>
  `${messages(received)} came while you were ${isFirst ? "away" : "cut off"}`;

/**
 * One absence, from the cut to the last thing it made wait: what is known of both sides, and what the return brought.
 *
 * Invariant: nothing is claimed that was not seen. While away, the room's side is known only as far as another tab of
 * this browser saw it; at the return the room tells an upper bound; what came is counted as it comes.
 */
import type { ClientState } from "../../../client/index.ts";
import type { Tally } from "./log.ts";

/** How many places seen by another tab are remembered. */
const SEEN = 10_000;

interface Return {
  /** The page was just opened: the absence is the time since it was last open. */
  readonly isFirst: boolean;
  /** By the switch. */
  readonly isMeant: boolean;
  /** Of others; of one's own. */
  readonly came: number;
  readonly went: number;
  /** The first of others. */
  readonly first?: number;
  readonly doubled: number;
  readonly misplaced: number;
}

export type Absence =
  | { readonly phase: "none" }
  | {
      readonly phase: "away";
      readonly isFirst: boolean;
      readonly isMeant: boolean;
      readonly seen: ReadonlySet<number>;
    }
  /** since..head is what the replay goes through; `at` is how far it is. */
  | ({
      readonly phase: "returning";
      readonly head: number;
      readonly at: number;
    } & Return)
  | ({ readonly phase: "back" } & Return);

export const NONE: Absence = { phase: "none" };
export const FIRST: Absence = { phase: "away", isFirst: true, isMeant: false, seen: new Set() };

const nothing = { came: 0, went: 0, doubled: 0, misplaced: 0 } as const;

export function onState(absence: Absence, state: ClientState): Absence {
  switch (state.type) {
    case "paused":
    case "offline": {
      const isMeant = state.type === "paused";
      if (absence.phase === "away") return { ...absence, isMeant: absence.isMeant || isMeant };
      const isFirst = absence.phase === "returning" && absence.isFirst;
      return { phase: "away", isFirst, isMeant, seen: new Set() };
    }
    case "replaying": {
      const { since: at, head } = state;
      if (absence.phase === "returning") return { ...absence, at, head };
      const { isFirst, isMeant } =
        absence.phase === "away" ? absence : { isFirst: false, isMeant: false };
      return { phase: "returning", isFirst, isMeant, at, head, ...nothing };
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

/** What waited here when the link was live again goes out. */
export const onSent = (absence: Absence): Absence =>
  absence.phase === "back" ? { ...absence, went: absence.went + 1 } : absence;

/**
 * An entry came.
 * @param tally of this entry alone
 */
export function onEntry(
  absence: Absence,
  seq: number,
  isMine: boolean,
  { doubled, misplaced }: Tally,
): Absence {
  if (absence.phase !== "returning") return absence;
  const { first = isMine ? undefined : seq } = absence;
  return {
    ...absence,
    at: Math.max(absence.at, seq),
    came: absence.came + (isMine ? 0 : 1),
    went: absence.went + (isMine ? 1 : 0),
    ...(first !== undefined && { first }),
    doubled: absence.doubled + doubled,
    misplaced: absence.misplaced + misplaced,
  };
}

/** Another tab of this browser saw an entry pass that concerns this one. */
export function onSeen(absence: Absence, seq: number): Absence {
  if (absence.phase !== "away" || absence.seen.size >= SEEN || absence.seen.has(seq))
    return absence;
  return { ...absence, seen: new Set(absence.seen).add(seq) };
}

const messages = (count: number): string => `${count} message${count === 1 ? "" : "s"}`;

/** What the return brought, in a sentence; undefined if there is nothing to say. */
export function summary(absence: Absence): string | undefined {
  if (absence.phase !== "back") return undefined;
  const { isFirst, isMeant, came, went, doubled, misplaced } = absence;
  if (came === 0 && went === 0) {
    return isMeant ? "Connected again. Nothing came while you were cut off." : undefined;
  }
  const parts: string[] = [];
  if (came > 0) {
    const order = misplaced === 0 ? "in order" : `${misplaced} out of order`;
    const doubles = doubled === 0 ? "none twice" : `${doubled} twice`;
    const when = isFirst ? "were away" : "were cut off";
    parts.push(`${messages(came)} came while you ${when}, ${order}, ${doubles}.`);
  }
  if (went > 0 && !isFirst) {
    parts.push(`${came > 0 ? "" : "Connected again. "}${messages(went)} of yours went out.`);
  }
  return parts.length === 0 ? undefined : parts.join(" ");
}

/** The line above what the replay brought. */
export const replayLine = ({ came, isFirst }: Return): string =>
  `${messages(came)} came while you were ${isFirst ? "away" : "cut off"}`;

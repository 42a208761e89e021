/**
 * Checks the histories of a round against each rule of docs/protocol.md, section 6. Pure: it has no access to the room
 * or the network.
 *
 * Rules that cannot be observed from outside get that verdict, never "held".
 */
import { check, type Sent } from "../../src/apps/demo/checker.ts";
import { checkFolding, type Folding } from "./folding-checker.ts";
import {
  erasureKey,
  type History,
  keyOf,
  nameOf,
  type ReceivedEntry,
  type Rule,
  type SentItem,
  type Violation,
} from "./history.ts";

/** `lineClients`: those of `chat.line`, with what they sent. */
export interface Evidence extends Folding {
  /** Violations found during the round. */
  readonly violations: readonly Violation[];
  /** The names that the room lists as online after everyone has returned; absent if no client could ask. */
  readonly online: readonly string[] | undefined;
}

export interface Verdict {
  readonly rule: Rule;
  readonly verdict: "held" | "VIOLATED" | "not tested" | "not observable";
  /** The evidence, or why there is none. */
  readonly on: string;
  readonly violations: readonly string[];
}

export const isGood = (verdicts: readonly Verdict[]): boolean =>
  verdicts.every(({ verdict }) => verdict !== "VIOLATED");

export function checkHistory(evidence: Evidence): readonly Verdict[] {
  const { histories, lineClients, kills, isComplete, online } = evidence;
  const violations = [
    ...evidence.violations,
    ...[...histories, ...lineClients].flatMap((history) => history.violations),
    ...checkPlaces(histories),
    ...checkDeliveries(evidence),
    ...checkFolding(evidence),
    ...histories.flatMap((history) => checkFates(history, keysOf(histories), isComplete)),
    ...(isComplete ? histories.flatMap((history) => checkStored(history, kills)) : []),
    ...(isComplete ? checkPresence(histories, online) : []),
  ];
  const got = histories.reduce((sum, history) => sum + history.received.length, 0);
  const sent = histories.reduce((sum, history) => sum + history.sent.length, 0);
  const gaps = histories.reduce((sum, history) => sum + history.gaps.length, 0);
  const changes = histories.reduce(
    (sum, history) => sum + history.received.filter(({ type }) => type === "patch").length,
    0,
  );
  const kept = histories.reduce((sum, { stored }) => sum + (stored?.length ?? 0), 0);
  const verdictOf = (rule: Rule, on: string, isTried = true): Verdict => {
    const own = violations.filter((violation) => violation.rule === rule).map(({ what }) => what);
    const verdict = own.length > 0 ? "VIOLATED" : isTried ? "held" : "not tested";
    return { rule, verdict, on, violations: own };
  };
  const notObservable = (rule: Rule, on: string): Verdict => {
    return { rule, verdict: "not observable", on, violations: [] };
  };
  return [
    verdictOf("R1", "no member lost its name to an adversary, an older handshake or itself"),
    verdictOf(
      "R2",
      `the room lists ${online?.length ?? 0} members as online and receives from each`,
      isComplete,
    ),
    verdictOf("R3", `${kept} entries stored after ${kills} kills`, isComplete && kills > 0),
    verdictOf("R4", `the order of ${got} entries`),
    verdictOf(
      "R5",
      `${got} entries once each, ${changes} of them patches, ${sent} items once each`,
    ),
    verdictOf("R6", `every error reported, ${gaps} gaps reported`),
    verdictOf("R7", "no connection closed and no error logged without a cause"),
    verdictOf(
      "R8",
      "no client received a message for others; memory is not observable (npm run bench:noisy-neighbors)",
    ),
    notObservable("R9", "timers, writes and sleep"),
    notObservable("R10", "rows"),
    verdictOf(
      "R11",
      "in the quiet phase everyone became ready and every message was settled",
      isComplete,
    ),
  ];
}

/** The keys of all entries that any client saw. */
const keysOf = (histories: readonly History[]): ReadonlySet<string> =>
  new Set(histories.flatMap(({ received, stored = [] }) => [...received, ...stored].map(keyOf)));

/** An entry as demo/checker.ts identifies it. A patch by the operator is from nobody of the room. */
interface Placed {
  readonly seq: number;
  readonly from: string;
  readonly to?: readonly string[];
  readonly text: string;
}

const OPERATOR = "the operator";

const placed = (entry: ReceivedEntry): Placed => ({
  seq: entry.seq,
  from: entry.type === "patch" && entry.by !== undefined ? OPERATOR : entry.from,
  ...(entry.to && { to: entry.to }),
  text: keyOf(entry),
});

/** R4: a seq belongs to one entry, permanently and for every client. */
function checkPlaces(histories: readonly History[]): Violation[] {
  const places = new Map<number, ReceivedEntry>();
  const violations: Violation[] = [];
  for (const { name, received, stored = [] } of histories) {
    for (const entry of [...received, ...stored]) {
      const other = places.get(entry.seq) ?? entry;
      places.set(entry.seq, other);
      if (keyOf(other) === keyOf(entry) && other.from === entry.from) continue;
      const what = `${name} has "${keyOf(entry)}" at seq ${entry.seq}, others have "${keyOf(other)}"`;
      violations.push({ rule: "R4", what });
    }
  }
  return violations;
}

/** R4, R5, R8: compares what each client should have received with what it received. */
function checkDeliveries({ histories, lineClients, erasures, isComplete }: Evidence): Violation[] {
  const keys = keysOf(histories);
  const sent: Sent[] = [...histories, ...lineClients].flatMap(({ name, sent }) =>
    sent
      .filter(({ id, fate }) => fate === "confirmed" || keys.has(id))
      .map(({ id, to }) => ({ from: name, text: id, ...(to && { to }) })),
  );
  for (const { ref, to } of erasures) {
    const text = erasureKey(ref);
    if (keys.has(text)) sent.push({ from: OPERATOR, text, ...(to && { to }) });
  }
  const log = new Map(
    histories.flatMap(({ received, stored = [] }) =>
      [...received, ...stored].map((entry) => [entry.seq, placed(entry)]),
    ),
  );
  const got = new Map(histories.map((history) => [history.name, withGaps(history, log)]));
  return check(sent, got).flatMap(({ name, lost, doubled, reordered, strange }) => {
    const violations: Violation[] = [];
    const count = (rule: Rule, number: number, what: string): void => {
      if (number > 0) violations.push({ rule, what: `${name} received ${number} ${what}` });
    };
    // An entry in transit is not lost.
    if (isComplete) count("R5", lost, "entries too few");
    count("R5", doubled, "entries twice");
    count("R4", reordered, "entries out of order");
    count("R8", strange, "entries for others, or that nobody sent");
    return violations;
  });
}

/** Entries inside a gap count as received, because the gap announced that they are gone. */
function withGaps(
  { name, received, gaps }: History,
  log: ReadonlyMap<number, Placed>,
): readonly Placed[] {
  const all = received.map(placed);
  if (gaps.length === 0) return all;
  const have = new Set(all.map(({ text }) => text));
  const hidden = [...log.values()].filter(
    ({ seq, from: sender, to: names, text }) =>
      !have.has(text) &&
      (names === undefined || sender === name || names.includes(name)) &&
      gaps.some(({ from, to }) => seq >= from && seq <= to),
  );
  // Keep the order of arrival, and insert each hidden entry before the first later one.
  for (const entry of hidden) {
    const place = all.findIndex(({ seq }) => seq > entry.seq);
    all.splice(place === -1 ? all.length : place, 0, entry);
  }
  return all;
}

/** R5, R6, R11: checks the outcome of each message. */
function checkFates(
  { name, sent, gaps }: History,
  keys: ReadonlySet<string>,
  isFinal: boolean,
): Violation[] {
  return sent.flatMap((item): Violation[] => {
    const { id, type, fate, why, isInvalid } = item;
    const is = (rule: Rule, what: string): Violation[] => [
      { rule, what: `${name}: ${nameOf(item)} ${what}` },
    ];
    if (fate === "undecided") return isFinal ? is("R11", "was never settled") : [];
    if (fate === "confirmed" && isInvalid) return is(ruleOfInvalid(item), "was not rejected");
    if (fate === "unknown" && gaps.length === 0)
      return is("R6", "has an unknown fate without a gap");
    if (fate === "refused" && type === "send" && !isInvalid && why !== "given up") {
      return is("R5", `was rejected without a cause (${why ?? "no reason"})`);
    }
    if (fate === "refused" && keys.has(id)) return is("R5", "was rejected and stored");
    if (fate === "dropped" && keys.has(id)) return is("R5", "was stored but never in a record");
    return [];
  });
}

/** A message to an unknown recipient, or a patch of what belongs to another. */
const ruleOfInvalid = ({ type }: SentItem): Rule => (type === "send" ? "R6" : "R8");

/** R3, R5: compares the room's stored messages at the end with what the client received. */
function checkStored({ name, received, gaps, stored }: History, kills: number): Violation[] {
  if (stored === undefined) return [{ rule: "R11", what: `${name} could not read the history` }];
  const first = stored[0]?.seq ?? Infinity;
  const kept = new Map(stored.map((entry) => [entry.seq, keyOf(entry)]));
  const had = new Set(received.map(({ seq }) => seq));
  const gone = received.filter(
    (entry) =>
      entry.type === "message" && entry.seq >= first && kept.get(entry.seq) !== keyOf(entry),
  );
  const missed = stored.filter(
    ({ seq }) => !had.has(seq) && !gaps.some(({ from, to }) => seq >= from && seq <= to),
  );
  const strange = stored.filter(({ from, to }) => to && from !== name && !to.includes(name));
  const rule = kills > 0 ? "R3" : "R5";
  return [
    ...strange.slice(0, 3).map(({ seq }): Violation => {
      return { rule: "R8", what: `${name} read entry ${seq} in the history, which is for others` };
    }),
    ...gone.slice(0, 3).map(({ seq }): Violation => {
      return { rule, what: `${name} received entry ${seq}, which the room has not stored` };
    }),
    ...missed.slice(0, 3).map(({ seq }): Violation => {
      return { rule: "R5", what: `${name} never received entry ${seq}, which the room has stored` };
    }),
  ];
}

/** R2: the room lists every connected member as online. */
function checkPresence(
  histories: readonly History[],
  online: readonly string[] | undefined,
): Violation[] {
  if (online === undefined) return [{ rule: "R11", what: "no member could ask who is online" }];
  const missing = histories.map(({ name }) => name).filter((name) => !online.includes(name));
  return missing.map((name) => ({
    rule: "R2",
    what: `${name} is connected, but the room does not list it`,
  }));
}

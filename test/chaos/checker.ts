/**
 * Judges a round by what was said, what came, and what was told: a verdict for each rule of docs/protocol.md, section 6.
 * Pure; it knows neither room nor network.
 *
 * What nobody can see from outside it calls so, and never "held".
 */
import { check, type Sent } from "../../src/apps/demo/checker.ts";
import type { History, Fault, ReceivedMessage, Rule } from "./history.ts";

export interface Evidence {
  readonly histories: readonly History[];
  /** What was said in `chat.line`, by talker. */
  readonly talkers: readonly History[];
  /** Faults that were seen on the way. */
  readonly faults: readonly Fault[];
  /** Who was online in the room's eyes when all were back; absent if nobody could ask. */
  readonly online: readonly string[] | undefined;
  readonly kills: number;
  /** The storm is over, and the network has been quiet: everything must be decided, and have come. */
  readonly isFinal: boolean;
}

export interface Verdict {
  readonly rule: Rule;
  readonly verdict: "held" | "VIOLATED" | "not tried" | "not seen from outside";
  /** What it rests on, or why there is none. */
  readonly on: string;
  readonly faults: readonly string[];
}

export const isGood = (verdicts: readonly Verdict[]): boolean =>
  verdicts.every(({ verdict }) => verdict !== "VIOLATED");

export function checkHistory(evidence: Evidence): readonly Verdict[] {
  const { histories, talkers, kills, isFinal, online } = evidence;
  const faults = [
    ...evidence.faults,
    ...[...histories, ...talkers].flatMap((history) => history.faults),
    ...placesOf(histories),
    ...deliveriesOf(evidence),
    ...histories.flatMap((history) => fatesOf(history, logOf(histories), isFinal)),
    ...(isFinal ? histories.flatMap((history) => memoryOf(history, kills)) : []),
    ...(isFinal ? presenceOf(histories, online) : []),
  ];
  const got = histories.reduce((sum, history) => sum + history.got.length, 0);
  const said = histories.reduce((sum, history) => sum + history.said.length, 0);
  const gaps = histories.reduce((sum, history) => sum + history.gaps.length, 0);
  const kept = histories.reduce((sum, { history }) => sum + (history?.length ?? 0), 0);
  const sees = (rule: Rule, on: string, isTried = true): Verdict => {
    const own = faults.filter((fault) => fault.rule === rule).map(({ what }) => what);
    const verdict = own.length > 0 ? "VIOLATED" : isTried ? "held" : "not tried";
    return { rule, verdict, on, faults: own };
  };
  const hidden = (rule: Rule, on: string): Verdict => {
    return { rule, verdict: "not seen from outside", on, faults: [] };
  };
  return [
    sees("R1", "nobody lost a name to a stranger, an older handshake or itself"),
    sees("R2", `the room knows ${online?.length ?? 0} as online and hears each of them`, isFinal),
    sees("R3", `${kept} entries still there after ${kills} kills`, isFinal && kills > 0),
    sees("R4", `the order of ${got} entries`),
    sees("R5", `${got} entries once each, ${said} messages once each`),
    sees("R6", `every refusal told, ${gaps} gaps told`),
    sees("R7", "no link ended and nothing was complained of without a cause"),
    sees(
      "R8",
      "nobody was shown what is not theirs; memory is not seen (npm run bench:noisy-neighbors)",
    ),
    hidden("R9", "timers, writes and sleep"),
    hidden("R10", "rows"),
    sees("R11", "in the calm everyone was ready and had everything decided", isFinal),
  ];
}

/** The room's log, as far as anybody saw it. */
function logOf(histories: readonly History[]): ReadonlyMap<string, ReceivedMessage> {
  return new Map(
    histories.flatMap(({ got, history = [] }) =>
      [...got, ...history].map((entry) => [entry.text, entry]),
    ),
  );
}

/** R4: a place belongs to one entry, for ever and for everyone. */
function placesOf(histories: readonly History[]): Fault[] {
  const places = new Map<number, ReceivedMessage>();
  const faults: Fault[] = [];
  for (const { name, got, history = [] } of histories) {
    for (const entry of [...got, ...history]) {
      const other = places.get(entry.seq) ?? entry;
      places.set(entry.seq, other);
      if (other.text === entry.text && other.from === entry.from) continue;
      const what = `${name} has "${entry.text}" at place ${entry.seq}, others have "${other.text}"`;
      faults.push({ rule: "R4", what });
    }
  }
  return faults;
}

/** R4, R5, R8: what each should have got, against what came. */
function deliveriesOf({ histories, talkers, isFinal }: Evidence): Fault[] {
  const log = logOf(histories);
  const sent: Sent[] = [...histories, ...talkers].flatMap(({ name, said }) =>
    said
      .filter(({ text, fate }) => fate === "confirmed" || log.has(text))
      .map(({ text, to }) => ({ from: name, text, ...(to && { to }) })),
  );
  const got = new Map(histories.map((history) => [history.name, withGaps(history, log)]));
  return check(sent, got).flatMap(({ name, lost, doubled, reordered, strange }) => {
    const faults: Fault[] = [];
    const count = (rule: Rule, number: number, what: string): void => {
      if (number > 0) faults.push({ rule, what: `${name} got ${number} ${what}` });
    };
    // While something is under way, nothing is lost.
    if (isFinal) count("R5", lost, "entries too few");
    count("R5", doubled, "entries twice");
    count("R4", reordered, "entries out of order");
    count("R8", strange, "entries that were not for it, or that nobody sent");
    return faults;
  });
}

/** What a gap has hidden counts as had: that it is gone was told. */
function withGaps(
  { name, got, gaps }: History,
  log: ReadonlyMap<string, ReceivedMessage>,
): readonly ReceivedMessage[] {
  if (gaps.length === 0) return got;
  const have = new Set(got.map(({ text }) => text));
  const hidden = [...log.values()].filter(
    ({ seq, from: sender, to: names, text }) =>
      !have.has(text) &&
      (names === undefined || sender === name || names.includes(name)) &&
      gaps.some(({ from, to }) => seq >= from && seq <= to),
  );
  // In the order in which it came, and each hidden one before what came behind it.
  const all = [...got];
  for (const entry of hidden) {
    const place = all.findIndex(({ seq }) => seq > entry.seq);
    all.splice(place === -1 ? all.length : place, 0, entry);
  }
  return all;
}

/** R5, R6, R11: what became of each message. */
function fatesOf(
  { name, said, gaps }: History,
  log: ReadonlyMap<string, ReceivedMessage>,
  isFinal: boolean,
): Fault[] {
  return said.flatMap(({ text, fate, why, isWrong }): Fault[] => {
    const is = (rule: Rule, what: string): Fault[] => [
      { rule, what: `${name}: "${text}" ${what}` },
    ];
    if (fate === "undecided") return isFinal ? is("R11", "was never decided") : [];
    if (fate === "confirmed" && isWrong) return is("R6", "named nobody's name and was not refused");
    if (fate === "unknown" && gaps.length === 0)
      return is("R6", "is of unknown fate, without a gap");
    if (fate === "refused" && !isWrong && why !== "given up") {
      return is("R5", `was refused without a cause (${why ?? "no reason"})`);
    }
    if (fate === "refused" && log.has(text)) return is("R5", "was refused, and stored");
    if (fate === "dropped" && log.has(text)) return is("R5", "was stored, and was never on record");
    return [];
  });
}

/** R3, R5: what the room remembers at the end, against what came. */
function memoryOf({ name, got, gaps, history }: History, kills: number): Fault[] {
  if (history === undefined) return [{ rule: "R11", what: `${name} could not read the history` }];
  const first = history[0]?.seq ?? Infinity;
  const kept = new Map(history.map((entry) => [entry.seq, entry.text]));
  const had = new Set(got.map(({ seq }) => seq));
  const gone = got.filter(({ seq, text }) => seq >= first && kept.get(seq) !== text);
  const missed = history.filter(
    ({ seq }) => !had.has(seq) && !gaps.some(({ from, to }) => seq >= from && seq <= to),
  );
  const strange = history.filter(({ from, to }) => to && from !== name && !to.includes(name));
  const rule = kills > 0 ? "R3" : "R5";
  return [
    ...strange.slice(0, 3).map(({ seq }): Fault => {
      return { rule: "R8", what: `${name} read entry ${seq} in the history, which is not for it` };
    }),
    ...gone.slice(0, 3).map(({ seq, text }): Fault => {
      return { rule, what: `${name} was shown "${text}" at ${seq}, which the room has not` };
    }),
    ...missed.slice(0, 3).map(({ seq, text }): Fault => {
      return { rule: "R5", what: `${name} never got "${text}", which the room has at ${seq}` };
    }),
  ];
}

/** R2: who is here is known to be here. */
function presenceOf(histories: readonly History[], online: readonly string[] | undefined): Fault[] {
  if (online === undefined) return [{ rule: "R11", what: "nobody could ask who is online" }];
  const missing = histories.map(({ name }) => name).filter((name) => !online.includes(name));
  return missing.map((name) => ({
    rule: "R2",
    what: `${name} is here, and the room does not know`,
  }));
}

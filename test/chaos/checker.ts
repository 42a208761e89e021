/**
 * Judges a round by what was said, what came, and what was told: a verdict for each rule of docs/protocol.md, section 6.
 * Pure; it knows neither room nor network.
 *
 * What nobody can see from outside it calls so, and never "held".
 */
import { check, type Sent } from "../../src/apps/demo/checker.ts";
import type { Account, Fault, Heard, Rule } from "./history.ts";

export interface Evidence {
  readonly accounts: readonly Account[];
  /** What was said in `chat.line`, by talker. */
  readonly talkers: readonly Account[];
  /** Faults that were seen on the way. */
  readonly faults: readonly Fault[];
  /** Who was online in the room's eyes when all were back; absent if nobody could ask. */
  readonly online: readonly string[] | undefined;
  readonly kills: number;
  /** The storm is over, and the network has been quiet: everything must be decided, and have come. */
  readonly isFinal: boolean;
}

export interface Judgement {
  readonly rule: Rule;
  readonly verdict: "held" | "VIOLATED" | "not tried" | "not seen from outside";
  /** What it rests on, or why there is none. */
  readonly on: string;
  readonly faults: readonly string[];
}

export const isGood = (judgements: readonly Judgement[]): boolean =>
  judgements.every(({ verdict }) => verdict !== "VIOLATED");

export function judge(evidence: Evidence): readonly Judgement[] {
  const { accounts, talkers, kills, isFinal, online } = evidence;
  const faults = [
    ...evidence.faults,
    ...[...accounts, ...talkers].flatMap((account) => account.faults),
    ...placesOf(accounts),
    ...deliveriesOf(evidence),
    ...accounts.flatMap((account) => fatesOf(account, logOf(accounts), isFinal)),
    ...(isFinal ? accounts.flatMap((account) => memoryOf(account, kills)) : []),
    ...(isFinal ? presenceOf(accounts, online) : []),
  ];
  const got = accounts.reduce((sum, account) => sum + account.got.length, 0);
  const said = accounts.reduce((sum, account) => sum + account.said.length, 0);
  const gaps = accounts.reduce((sum, account) => sum + account.gaps.length, 0);
  const kept = accounts.reduce((sum, { history }) => sum + (history?.length ?? 0), 0);
  const sees = (rule: Rule, on: string, isTried = true): Judgement => {
    const own = faults.filter((fault) => fault.rule === rule).map(({ what }) => what);
    const verdict = own.length > 0 ? "VIOLATED" : isTried ? "held" : "not tried";
    return { rule, verdict, on, faults: own };
  };
  const hidden = (rule: Rule, on: string): Judgement => {
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
function logOf(accounts: readonly Account[]): ReadonlyMap<string, Heard> {
  return new Map(
    accounts.flatMap(({ got, history = [] }) =>
      [...got, ...history].map((entry) => [entry.text, entry]),
    ),
  );
}

/** R4: a place belongs to one entry, for ever and for everyone. */
function placesOf(accounts: readonly Account[]): Fault[] {
  const places = new Map<number, Heard>();
  const faults: Fault[] = [];
  for (const { name, got, history = [] } of accounts) {
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
function deliveriesOf({ accounts, talkers, isFinal }: Evidence): Fault[] {
  const log = logOf(accounts);
  const sent: Sent[] = [...accounts, ...talkers].flatMap(({ name, said }) =>
    said
      .filter(({ text, fate }) => fate === "confirmed" || log.has(text))
      .map(({ text, to }) => ({ from: name, text, ...(to && { to }) })),
  );
  const got = new Map(accounts.map((account) => [account.name, withGaps(account, log)]));
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
function withGaps({ name, got, gaps }: Account, log: ReadonlyMap<string, Heard>): readonly Heard[] {
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
  { name, said, gaps }: Account,
  log: ReadonlyMap<string, Heard>,
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
function memoryOf({ name, got, gaps, history }: Account, kills: number): Fault[] {
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
function presenceOf(accounts: readonly Account[], online: readonly string[] | undefined): Fault[] {
  if (online === undefined) return [{ rule: "R11", what: "nobody could ask who is online" }];
  const missing = accounts.map(({ name }) => name).filter((name) => !online.includes(name));
  return missing.map((name) => ({
    rule: "R2",
    what: `${name} is here, and the room does not know`,
  }));
}

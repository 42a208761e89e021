/**
 * Checks changes and erasures: each copy of a client, the log, and what later connections show. Pure.
 *
 * A gap may hide a patch from a client: then its copy may be as the message once was, but no other.
 */
import {
  copyOf,
  type Course,
  coursesOf,
  foldedView,
  isSame,
  modelView,
  sentItems,
  show,
  stringsOf,
} from "./folding.ts";
import {
  erasureKey,
  type History,
  isUnique,
  keyOf,
  nameOf,
  type ReceivedEntry,
  type SentItem,
  stringsIn,
  type Violation,
} from "./history.ts";

/** An erasure that the operator requested. */
export interface Erasure {
  readonly ref: number;
  /** The recipients of the message that it erases, and its author. Absent: everyone. */
  readonly to?: readonly string[];
  /** When the room confirmed it, in ms; absent if its answer was lost. */
  storedAt?: number;
}

export interface Folding {
  /** Of the members. */
  readonly histories: readonly History[];
  readonly lineClients: readonly History[];
  readonly erasures: readonly Erasure[];
  /** All messages that the room has stored at the end, of all members. */
  readonly exported: readonly ReceivedEntry[] | undefined;
  readonly kills: number;
  readonly isComplete: boolean;
}

const concerns = ({ from, to }: ReceivedEntry, { name }: History): boolean =>
  to === undefined || from === name || to.includes(name);

const isIn = (seq: number, { gaps }: History): boolean =>
  gaps.some(({ from, to }) => seq >= from && seq <= to);

/** R3, R5, R8: compares every copy with the truth. */
export function checkFolding(folding: Folding): Violation[] {
  const courses = coursesOf(folding.histories);
  return [
    ...folding.histories.flatMap((history) => checkPatches(history, courses)),
    ...(folding.isComplete
      ? [
          ...folding.histories.flatMap((history) => checkCopies(history, courses)),
          ...checkLog(folding, courses),
          ...checkRefusals(folding, courses),
        ]
      : []),
    ...checkLeaks(folding, courses),
  ];
}

/** R8: a patch has the audience of its target; and what never changes in an entry is as it was sent. */
function checkPatches(
  { name, received, stored = [] }: History,
  courses: ReadonlyMap<number, Course>,
): Violation[] {
  return [...received, ...stored].flatMap(({ type, seq, ref, to, quiet, from, by }) => {
    const sent = courses.get(type === "patch" ? (ref ?? 0) : seq)?.sent;
    if (sent === undefined) return [];
    const audience = (names: readonly string[] | undefined): string =>
      names === undefined ? "everyone" : [...names].toSorted().join(" ");
    const expected =
      type === "patch" && by !== undefined && sent.to !== undefined
        ? [...new Set([from, ...sent.to])]
        : sent.to;
    const what = `${name} received entry ${seq}`;
    const violations: Violation[] = [];
    if (audience(to) !== audience(expected))
      violations.push({
        rule: "R8",
        what: `${what} to ${audience(to)}, not to ${audience(expected)}`,
      });
    if (quiet !== sent.quiet || (type === "message" && ref !== sent.ref))
      violations.push({ rule: "R5", what: `${what} with another ref, or not as quiet as sent` });
    return violations;
  });
}

/** R5: a client has each message as the log has it; only a gap may hide a patch. */
function checkCopies(history: History, courses: ReadonlyMap<number, Course>): Violation[] {
  const has = new Set(history.received.map(({ seq }) => seq));
  const violations: Violation[] = [];
  const { received } = history;
  for (const [seq, copy] of [...foldedView(received), ...modelView(received)]) {
    const course = courses.get(seq);
    const last = course?.copies.at(-1);
    if (course === undefined || last === undefined || isSame(copy, last)) continue;
    if (course.isUnsure) continue;
    const isHidden = course.patches.some(({ seq: at }) => !has.has(at) && isIn(at, history));
    if (isHidden && course.copies.some((earlier) => isSame(copy, earlier))) continue;
    const what = `${history.name} has entry ${seq} as ${show(copy)}, which is ${show(last)}`;
    violations.push({ rule: "R5", what });
  }
  return violations;
}

/** All messages that anybody read from the log at the end. */
const keptOf = ({ histories, exported = [] }: Folding): readonly ReceivedEntry[] => [
  ...exported,
  ...histories.flatMap(({ stored = [] }) => stored),
];

/** R3, R5: the log has what its patches made of each message. */
function checkLog(folding: Folding, courses: ReadonlyMap<number, Course>): Violation[] {
  const { histories, erasures, kills } = folding;
  const rule = kills > 0 ? "R3" : "R5";
  const erased = new Set(erasures.flatMap(({ ref, storedAt }) => (storedAt ? [ref] : [])));
  const violations = new Map<number, Violation>();
  for (const message of keptOf(folding)) {
    const { seq } = message;
    const copy = copyOf(message);
    const course = courses.get(seq);
    const last = course?.copies.at(-1);
    if (erased.has(seq) && !copy.erased) {
      violations.set(seq, { rule, what: `the log has ${seq}, which the operator erased` });
    }
    if (course === undefined || last === undefined || isSame(copy, last)) continue;
    const { patched = 0 } = copy;
    const isUnseen =
      patched > (last.patched ?? 0) &&
      histories.every((one) => isIn(patched, one) || !concerns(message, one));
    if (isUnseen || course.isUnsure) continue;
    violations.set(seq, { rule, what: `the log has ${seq} as ${show(copy)}, not ${show(last)}` });
  }
  return [...violations.values()];
}

/** The protocol's bound of patches of one entry. */
const PATCHES_MAX = 32;

/** R5: a patch is rejected only for a reason: its message is erased, changed too often, or no longer kept. */
function checkRefusals(folding: Folding, courses: ReadonlyMap<number, Course>): Violation[] {
  const kept = keptOf(folding);
  const first = Math.min(...kept.map(({ seq }) => seq));
  const erased = new Set(kept.flatMap(({ seq, erased }) => (erased ? [seq] : [])));
  const isJust = ({ type, ref = 0, isInvalid, why }: SentItem): boolean => {
    const course = courses.get(ref);
    const isErased = erased.has(ref) || course?.copies.at(-1)?.erased === true;
    const isUsedUp = type === "edit" && (course?.patches.length ?? 0) >= PATCHES_MAX;
    return isInvalid || why === "given up" || isErased || isUsedUp || ref < first;
  };
  return folding.histories.flatMap(({ name, sent }) =>
    sent
      .filter((item) => item.type !== "send" && item.fate === "refused" && !isJust(item))
      .map((item): Violation => {
        const what = `${name}: ${nameOf(item)} was rejected without a cause`;
        return { rule: "R5", what: `${what} (${item.why ?? "no reason"})` };
      }),
  );
}

/** R8: what was replaced or erased is in no frame of a later connection, and not in the export. */
function checkLeaks(
  { histories, lineClients, erasures, exported }: Folding,
  courses: ReadonlyMap<number, Course>,
): Violation[] {
  const sent = sentItems(histories);
  const confirmed = new Map(erasures.map(({ ref, storedAt }) => [erasureKey(ref), storedAt]));
  const gone: { readonly text: string; readonly at: number }[] = [];
  for (const { patches, copies } of courses.values()) {
    for (const [index, entry] of patches.entries()) {
      const key = keyOf(entry);
      const at = sent.get(key)?.storedAt ?? confirmed.get(key);
      if (at === undefined) continue;
      const left = new Set(stringsOf(copies[index + 1]));
      for (const text of stringsOf(copies[index])) {
        if (isUnique(text) && !left.has(text)) gone.push({ text, at });
      }
    }
  }
  const kept = exported && new Set(stringsIn(exported));
  const places = [
    ...[...histories, ...lineClients].flatMap(({ name, connections }) =>
      connections.map((connection) => ({ ...connection, name })),
    ),
    ...(kept ? [{ name: "the export", began: Infinity, strings: kept }] : []),
  ];
  return places.flatMap(({ name, began, strings }) =>
    gone
      .filter(({ text, at }) => at < began && strings.has(text))
      .map(({ text }): Violation => {
        return { rule: "R8", what: `${name} shows ${JSON.stringify(text.slice(0, 40))} again` };
      }),
  );
}

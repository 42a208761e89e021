/**
 * Parses and checks the stored record of a client. Pure: every storage uses it.
 *
 * Invariant: a result of type `record` has every field that the client needs. Fields that this release does not know stay in
 * it.
 */
import { utf8Length } from "../protocol/ids.ts";
import type { ClientRecord } from "./storage/storage.ts";

/** The version that this release writes. */
const VERSION = 2;

export type ReadRecord =
  | { readonly type: "record"; readonly record: ClientRecord }
  /** A newer release wrote it: it must not be changed. */
  | { readonly type: "newer"; readonly why: string }
  /** Damaged, or no record at all. `why` also says its size, and whether messages waited in it. */
  | { readonly type: "unreadable"; readonly why: string };

/** @param text the stored text */
export function readRecord(text: string): ReadRecord {
  const bytes = utf8Length(text);
  if (bytes === 0) return { type: "unreadable", why: "it is empty" };
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    const why = `its ${bytes} bytes are not JSON; ${waitedIn(text)}`;
    return { type: "unreadable", why };
  }
  const read = checkRecord(value);
  return read.type === "unreadable" ? { ...read, why: `${read.why}; it has ${bytes} bytes` } : read;
}

/** @param value the stored value, parsed */
export function checkRecord(value: unknown): ReadRecord {
  const kept = fieldsOf(value);
  if (kept === undefined) return { type: "unreadable", why: "it is not a JSON object" };
  const { version } = kept;
  if (Number.isSafeInteger(version) && (version as number) > VERSION) {
    const why = `a newer release of this client wrote it (version ${String(version)}, this one reads ${VERSION})`;
    return { type: "newer", why };
  }
  const wrong = wrongField(kept);
  if (wrong === undefined) return { type: "record", record: value as ClientRecord };
  const { outbox } = kept;
  const waited = Array.isArray(outbox) ? waiting(outbox.length) : UNKNOWN_WAITING;
  return { type: "unreadable", why: `its \`${wrong}\` is not what it has to be; ${waited}` };
}

type Fields = Readonly<Record<string, unknown>>;

const fieldsOf = (value: unknown): Fields | undefined =>
  typeof value === "object" && value !== null && !Array.isArray(value)
    ? (value as Fields)
    : undefined;

const isText = (value: unknown): boolean => typeof value === "string";
const isSomeText = (value: unknown): boolean => isText(value) && value !== "";
/** The grammar of `session` in a handshake. */
const isToken = (value: unknown): boolean =>
  typeof value === "string" && /^[A-Za-z0-9_-]{1,64}$/.test(value);
const isPosition = (value: unknown): boolean =>
  Number.isSafeInteger(value) && (value as number) >= 0;
const isMaybe =
  (is: (value: unknown) => boolean) =>
  (value: unknown): boolean =>
    value === undefined || is(value);

const isTrue = isMaybe((value) => value === true);
const isData = (value: unknown): boolean => fieldsOf(value) !== undefined;

type Checks = readonly (readonly [string, (value: unknown) => boolean])[];

const QUEUED: Checks = [
  ["id", isSomeText],
  ["sent", (sent) => typeof sent === "boolean"],
  ["unknown", isTrue],
  ["maybe", isTrue],
  ["epoch", isMaybe(isText)],
  ["data", isMaybe(isData)],
];
const MESSAGE: Checks = [
  ["text", isText],
  ["to", isMaybe((to) => Array.isArray(to) && to.every(isText))],
  ["ref", isMaybe(isPosition)],
  ["quiet", isTrue],
];
const PATCH: Checks = [
  ["ref", isPosition],
  ["text", isMaybe(isText)],
  ["erase", isTrue],
];

const isQueued = (value: unknown): boolean => {
  const queued = fieldsOf(value);
  const type = queued?.["type"];
  if (queued === undefined || (type !== undefined && type !== "patch")) return false;
  const own = type === "patch" ? PATCH : MESSAGE;
  return [...QUEUED, ...own].every(([name, is]) => is(queued[name]));
};

const isCarried = (value: unknown): boolean => {
  const carried = fieldsOf(value);
  return (
    carried !== undefined &&
    isText(carried["source"]) &&
    isText(carried["epoch"]) &&
    Array.isArray(carried["marks"]) &&
    carried["marks"].every((mark: unknown) => {
      const { seq, n, id } = fieldsOf(mark) ?? {};
      return isPosition(seq) && isPosition(n) && isText(id);
    })
  );
};

const RECORD: readonly (readonly [string, (value: unknown) => boolean])[] = [
  ["version", (version) => version === 1 || version === VERSION],
  ["session", isToken],
  ["attempt", isPosition],
  ["cursor", isMaybe(isPosition)],
  ["epoch", isMaybe(isText)],
  ["outbox", (outbox) => Array.isArray(outbox) && outbox.every(isQueued)],
  ["carried", isMaybe((carried) => Array.isArray(carried) && carried.every(isCarried))],
];

/** @returns the first invalid field */
const wrongField = (kept: Fields): string | undefined =>
  RECORD.find(([name, is]) => !is(kept[name]))?.[0];

const UNKNOWN_WAITING = "whether messages waited in its outbox cannot be told";
const waiting = (count: number): string =>
  `${count} ${count === 1 ? "message" : "messages"} waited in its outbox`;

/** Estimates the waiting messages of a truncated text. Inside a JSON string the quotes would be escaped. */
function waitedIn(text: string): string {
  const at = text.indexOf('"outbox":[');
  if (at < 0) return UNKNOWN_WAITING;
  return `at least ${waiting(text.slice(at).match(/\{"id":/g)?.length ?? 0)}`;
}

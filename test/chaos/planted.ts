/** Histories made by hand, for the tests of the checker. */
import { checkHistory, type Evidence } from "./checker.ts";
import type { Fate, History, ReceivedEntry, SentItem } from "./history.ts";

export type Planted = {
  alice: History;
  bob: History;
  evidence: { -readonly [K in keyof Evidence]: Evidence[K] };
};

/** Returns a message whose id is its first text. */
export const message = (
  seq: number,
  from: string,
  text: string,
  to?: readonly string[],
): ReceivedEntry => ({ type: "message", seq, from, text, id: text, ...(to && { to }) });

/** The member sends a message whose id is its text; `fields` may make it something else. */
export const sends = (member: History, text: string, fields: Partial<SentItem> = {}): void =>
  member.addSent({
    id: text,
    type: "send",
    text,
    isInvalid: false,
    fate: "undecided",
    ...fields,
  });

export const fateOf = (history: History, id: string, fate: Fate): void => {
  const sent = history.sent.find((one) => one.id === id);
  if (sent !== undefined) sent.fate = fate;
};

/** Returns the rules that the checker finds violated. */
export const violated = ({ evidence }: Planted): string[] =>
  checkHistory(evidence)
    .filter(({ verdict }) => verdict === "VIOLATED")
    .map(({ rule }) => rule);

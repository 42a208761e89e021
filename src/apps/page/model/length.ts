/** How much of one message a text takes, in words. Pure. */
import { utf8Length } from "../../../protocol/ids.ts";

/** The counter appears when less than this part of the limit is left. */
const NEAR = 1 / 8;

export interface Length {
  readonly state: "fine" | "near" | "over";
  /** For the eye, at each key; empty while it is fine. */
  readonly count: string;
  /** To be read aloud, when the state changes; empty while it is fine. */
  readonly said: string;
}

const FINE: Length = { state: "fine", count: "", said: "" };
const number = new Intl.NumberFormat("en");
const bytes = (count: number): string => `${number.format(count)} byte${count === 1 ? "" : "s"}`;

/** @param limit bytes of UTF-8 that one message takes */
export function lengthOf(text: string, limit: number): Length {
  const near = limit * (1 - NEAR);
  // A UTF-16 unit is at most three bytes: most texts need no counting.
  if (text.length * 3 <= near) return FINE;
  const length = utf8Length(text);
  if (length <= near) return FINE;
  if (length <= limit) {
    const count = `${bytes(limit - length)} left`;
    return { state: "near", count, said: `The text is almost too long for one message: ${count}.` };
  }
  const count = `${bytes(length - limit)} too long: shorten it, or send it in parts`;
  return { state: "over", count, said: `This cannot be sent: ${count}.` };
}

/** How near a text is to the limit of one message. Pure. */
import { utf8Length } from "../../../protocol/ids.ts";

/** The counter appears when less than this fraction of the limit is left. */
const NEAR = 1 / 8;

export interface Length {
  readonly state: "fine" | "near" | "over";
  /** Shown at each key press; empty while the state is `fine`. */
  readonly count: string;
  /** Read aloud when the state changes; empty while the state is `fine`. */
  readonly announcement: string;
}

const FINE: Length = { state: "fine", count: "", announcement: "" };
const number = new Intl.NumberFormat("en");
const bytes = (count: number): string => `${number.format(count)} byte${count === 1 ? "" : "s"}`;

/** @param limit bytes of UTF-8 that the text of one message may have */
export function lengthOf(text: string, limit: number): Length {
  const near = limit * (1 - NEAR);
  // A UTF-16 unit is at most three bytes, so most texts need no counting.
  if (text.length * 3 <= near) return FINE;
  const length = utf8Length(text);
  if (length <= near) return FINE;
  if (length <= limit) {
    const count = `${bytes(limit - length)} left`;
    return {
      state: "near",
      count,
      announcement: `The message is almost too long: ${count}.`,
    };
  }
  const count = `${bytes(length - limit)} too long: shorten it, or send it in parts`;
  return { state: "over", count, announcement: `The message cannot be sent: ${count}.` };
}

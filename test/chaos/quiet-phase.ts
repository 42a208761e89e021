/** The quiet phase at the end of a round: no fault any more, so everything must be delivered and settled. */
import type { Notifier } from "../support/wait-for.ts";
import type { Violation } from "./history.ts";
import type { Member } from "./member.ts";

/**
 * Longest time until everything is delivered and settled after the last fault. It is below the 30 s after which a
 * client gives up a silent connection, so that this recovery alone does not pass.
 */
const QUIESCE_MS = 25_000;

/**
 * Waits until every member is live, has all its items settled, and has received everyone's last message, after which
 * nothing older can arrive.
 * @returns what did not come true
 */
export async function settle(
  members: readonly Member[],
  notifier: Notifier,
): Promise<readonly Violation[]> {
  const words = members.map(({ name }) => `${name} ${Number.MAX_SAFE_INTEGER} good night`);
  for (const [index, member] of members.entries()) {
    member.says({ type: "send", text: words[index] ?? "", isInvalid: false });
  }
  const isRight = ({ isLive, waiting, history }: Member): boolean =>
    isLive &&
    waiting === 0 &&
    words.every((word) => history.received.some(({ text }) => text === word));
  try {
    await notifier.until(
      () => members.every(isRight),
      () => statesOf(members),
      QUIESCE_MS,
    );
    for (const member of members) member.recordUnknown();
    return [];
  } catch {
    return members.filter((member) => !isRight(member)).map(stuck);
  }
}

function stuck({ name, isLive, state, waiting }: Member): Violation {
  const after = `after ${QUIESCE_MS / 1_000} s without faults`;
  if (!isLive) return { rule: "R11", what: `${name} is not ready ${after}: ${state}` };
  if (waiting === 0) return { rule: "R11", what: `${name} lacks somebody's last message ${after}` };
  const what = `${name} is connected, but the room does not receive its messages ${after}`;
  return { rule: "R2", what };
}

/** Returns the states of the members in words. */
export const statesOf = (members: readonly Member[]): string =>
  members.map(({ name, state, waiting }) => `${name} ${state} waiting ${waiting}`).join("; ");

/**
 * State that all handshakes of this process share, so that an older one never wins against a newer one.
 *
 * Invariants:
 * - Clients of one name in one room that begin without a record have one session. The handshake of a client that was
 *   closed while it connected may reach the room after that of the next client: the room then rejects it as overtaken.
 * - `attempt` rises from handshake to handshake, whichever client makes it and whatever the wall clock does.
 */
import { randomToken } from "../protocol/random-token.ts";

/** How many names in rooms have a session here: the ones that began last. */
const SESSIONS = 1_000;

interface Member {
  readonly base: URL;
  readonly room: string;
  readonly name: string;
}

const sessions = new Map<string, string>();
let last = 0;

/** Returns the session of a client that has no record. */
export function newSession({ base, room, name }: Member): string {
  const member = JSON.stringify([base.href, room, name]);
  const session = sessions.get(member) ?? randomToken(96);
  sessions.delete(member);
  sessions.set(member, session);
  const [oldest] = sessions.keys();
  if (sessions.size > SESSIONS && oldest !== undefined) sessions.delete(oldest);
  return session;
}

/**
 * Returns the clock value for the next handshake.
 * @param attempt the last one on record
 * @param now     ms since 1970
 */
export function attemptClock(attempt: number, now: number): number {
  last = Math.max(last + 1, attempt + 1, now);
  return last;
}

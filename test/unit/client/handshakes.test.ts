/** The attempt numbers that the handshakes of one process share, so that an older one never wins against a newer one. */
import { expect, test } from "vitest";
import { attemptClock, newSession } from "../../../src/client/handshakes.ts";

const member = (name: string, room = "lobby", url = "wss://c.d") => ({
  base: new URL(url),
  room,
  name,
});

test("two clients of one name in one room, that begin without a record, have one session", () => {
  expect(newSession(member("alice"))).toBe(newSession(member("alice")));
  expect(newSession(member("alice"))).toMatch(/^[\w-]{16}$/);
});

test("another name, another room, another endpoint: another session", () => {
  const members = [
    member("alice"),
    member("bob"),
    member("alice", "den"),
    member("alice", "lobby", "wss://c.d/chat"),
  ];
  expect(new Set(members.map(newSession)).size).toBe(4);
});

test("a process that joins as ever more people remembers the last thousand", () => {
  const session = newSession(member("alice"));
  const kept = newSession(member("kept"));
  for (let i = 0; i < 999; i++) newSession(member(`bot${i}`));
  expect(newSession(member("kept"))).toBe(kept);
  expect(newSession(member("alice"))).not.toBe(session);
});

test("attempts rise, for every client, record and clock", () => {
  const made = [
    attemptClock(0, 5_000),
    attemptClock(0, 5_000),
    attemptClock(0, 1_000),
    attemptClock(9_000, 1_000),
    attemptClock(0, 1_000),
    attemptClock(0, 20_000),
  ];
  expect(made).toEqual(made.toSorted((a, b) => a - b));
  expect(new Set(made).size).toBe(made.length);
});

/** The roster, the typing indicators, and the unread messages. */
import { describe, expect, test } from "vitest";
import { Roster } from "../../../../src/apps/page/model/roster.ts";
import {
  TYPING_MS,
  LARGE_ROOM,
  SIGNAL_INTERVAL_MS,
  Typing,
} from "../../../../src/apps/page/model/typing.ts";
import { Unread } from "../../../../src/apps/page/model/unread.ts";
import { typingText } from "../../../../src/apps/page/model/status-text.ts";

const names = (roster: Roster): string[] =>
  roster.people.map(({ name, isOnline }) => (isOnline ? name : `(${name})`));

describe("the roster", () => {
  test("lists online people first, each group by name", () => {
    const roster = new Roster();
    roster.onPresence({ joined: ["dora", "bob", "alice"], left: ["carol", "bob"] });
    expect(names(roster)).toEqual(["alice", "dora", "(bob)", "(carol)"]);
  });

  test("a load does not overwrite presence that arrived while it was under way", () => {
    const roster = new Roster();
    roster.beginLoad();
    roster.onPresence({ joined: ["alice"], left: ["bob"] });
    roster.addPage([
      { name: "alice", online: false },
      { name: "bob", online: true },
      { name: "carol", online: true },
    ]);
    roster.endLoad();
    expect(names(roster)).toEqual(["alice", "carol", "(bob)"]);
  });

  test("a person who left unnoticed, in a room of more names than are loaded, is not shown as online", () => {
    const roster = new Roster();
    roster.onPresence({ joined: ["alice", "zoe"], left: [] });
    roster.beginLoad();
    roster.onPresence({ joined: ["yann"], left: [] });
    roster.addPage([{ name: "alice", online: true }]);
    roster.endLoad();
    expect(names(roster)).toEqual(["alice", "yann"]);
  });
});

describe("typing", () => {
  test("is signalled at once, then seldom, and at once again after a message", () => {
    const typing = new Typing();
    const due = (now: number): boolean => typing.shouldSignal(now, 2, []);
    expect([due(0), due(1), due(SIGNAL_INTERVAL_MS - 1), due(SIGNAL_INTERVAL_MS)]).toEqual([
      true,
      false,
      false,
      true,
    ]);
    typing.onSent();
    expect(due(SIGNAL_INTERVAL_MS + 1)).toBe(true);
  });

  test("in a large room, only a message with recipients is signalled", () => {
    expect(new Typing().shouldSignal(0, LARGE_ROOM, [])).toBe(true);
    expect(new Typing().shouldSignal(0, LARGE_ROOM + 1, [])).toBe(false);
    expect(new Typing().shouldSignal(0, LARGE_ROOM + 1, ["bob"])).toBe(true);
  });

  test("of another person expires, and every signal renews it", () => {
    const typing = new Typing();
    typing.onSignal("bob", { typing: true }, 0);
    typing.onSignal("carol", { typing: true }, 2_000);
    expect(typing.typists(TYPING_MS - 1)).toEqual(["bob", "carol"]);
    expect(typing.typists(TYPING_MS)).toEqual(["carol"]);
    typing.onSignal("carol", { typing: true }, 7_000);
    expect(typing.typists(7_000 + TYPING_MS - 1)).toEqual(["carol"]);
    expect(typing.typists(7_000 + TYPING_MS)).toEqual([]);
  });

  test("ends with the message, and with the connection", () => {
    const typing = new Typing();
    for (const name of ["alice", "bob", "carol"]) typing.onSignal(name, { typing: true }, 0);
    typing.clear("bob");
    expect(typing.typists(1)).toEqual(["alice", "carol"]);
    typing.clear();
    expect(typing.typists(1)).toEqual([]);
  });

  test.each([[null], ["typing"], [{ typing: "yes" }], [{}], [[]]])(
    "a signal with %j is ignored",
    (data) => {
      const typing = new Typing();
      typing.onSignal("bob", data, 0);
      expect(typing.typists(1)).toEqual([]);
    },
  );

  test.each([
    [[], ""],
    [["bob"], "bob is typing"],
    [["bob", "carol"], "bob and carol are typing"],
    [["bob", "carol", "dora"], "several people are typing"],
  ])("%j: %j", (typists, words) => expect(typingText(typists)).toBe(words));
});

describe("the unread messages", () => {
  test("begin with the first that arrives while the end is out of sight", () => {
    const unread = new Unread();
    unread.onMessage(1);
    expect([unread.first, unread.count]).toEqual([undefined, 0]);
    unread.visibilityChanged(false);
    unread.onMessage(2);
    unread.onMessage(3);
    expect([unread.first, unread.count]).toEqual([2, 2]);
  });

  test("stay marked while the end is in sight, until it is hidden again", () => {
    const unread = new Unread();
    unread.visibilityChanged(false);
    unread.onMessage(2);
    unread.visibilityChanged(true);
    unread.onMessage(3);
    expect([unread.first, unread.count]).toEqual([2, 0]);
    unread.visibilityChanged(false);
    expect(unread.first).toBeUndefined();
    unread.onMessage(4);
    expect([unread.first, unread.count]).toEqual([4, 1]);
  });
});

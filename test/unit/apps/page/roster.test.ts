/** Who is here, who types, and what was not read yet. */
import { describe, expect, test } from "vitest";
import { Roster } from "../../../../src/apps/page/model/roster.ts";
import {
  BELIEVED_MS,
  CROWD,
  TELL_EVERY_MS,
  Typing,
} from "../../../../src/apps/page/model/typing.ts";
import { Unread } from "../../../../src/apps/page/model/unread.ts";
import { typingText } from "../../../../src/apps/page/model/status-text.ts";

const names = (roster: Roster): string[] =>
  roster.people.map(({ name, isHere }) => (isHere ? name : `(${name})`));

describe("the roster", () => {
  test("has those first who are here, each group by name", () => {
    const roster = new Roster();
    roster.presence({ joined: ["dora", "bob", "alice"], left: ["carol", "bob"] });
    expect(names(roster)).toEqual(["alice", "dora", "(bob)", "(carol)"]);
  });

  test("what presence told while a reading was under way is not set back by it", () => {
    const roster = new Roster();
    roster.begin();
    roster.presence({ joined: ["alice"], left: ["bob"] });
    roster.page([
      { name: "alice", online: false },
      { name: "bob", online: true },
      { name: "carol", online: true },
    ]);
    roster.end();
    expect(names(roster)).toEqual(["alice", "carol", "(bob)"]);
  });

  test("who left unnoticed, in a room of more names than are read, is not shown as here", () => {
    const roster = new Roster();
    roster.presence({ joined: ["alice", "zoe"], left: [] });
    roster.begin();
    roster.presence({ joined: ["yann"], left: [] });
    roster.page([{ name: "alice", online: true }]);
    roster.end();
    expect(names(roster)).toEqual(["alice", "yann"]);
  });
});

describe("typing", () => {
  test("is told at once, then seldom, and at once again after a message", () => {
    const typing = new Typing();
    const due = (now: number): boolean => typing.isDue(now, 2, []);
    expect([due(0), due(1), due(TELL_EVERY_MS - 1), due(TELL_EVERY_MS)]).toEqual([
      true,
      false,
      false,
      true,
    ]);
    typing.sent();
    expect(due(TELL_EVERY_MS + 1)).toBe(true);
  });

  test("in a crowd it is told to those only whom the message is for", () => {
    expect(new Typing().isDue(0, CROWD, [])).toBe(true);
    expect(new Typing().isDue(0, CROWD + 1, [])).toBe(false);
    expect(new Typing().isDue(0, CROWD + 1, ["bob"])).toBe(true);
  });

  test("of somebody else is believed for a while, and again with every signal", () => {
    const typing = new Typing();
    typing.hears("bob", { typing: true }, 0);
    typing.hears("carol", { typing: true }, 2_000);
    expect(typing.at(BELIEVED_MS - 1)).toEqual(["bob", "carol"]);
    expect(typing.at(BELIEVED_MS)).toEqual(["carol"]);
    typing.hears("carol", { typing: true }, 7_000);
    expect(typing.at(7_000 + BELIEVED_MS - 1)).toEqual(["carol"]);
    expect(typing.at(7_000 + BELIEVED_MS)).toEqual([]);
  });

  test("ends with the message, and with the link", () => {
    const typing = new Typing();
    for (const name of ["alice", "bob", "carol"]) typing.hears(name, { typing: true }, 0);
    typing.forget("bob");
    expect(typing.at(1)).toEqual(["alice", "carol"]);
    typing.forget();
    expect(typing.at(1)).toEqual([]);
  });

  test.each([[null], ["typing"], [{ typing: "yes" }], [{}], [[]]])(
    "a signal that says %j says nothing",
    (data) => {
      const typing = new Typing();
      typing.hears("bob", data, 0);
      expect(typing.at(1)).toEqual([]);
    },
  );

  test.each([
    [[], ""],
    [["bob"], "bob is typing"],
    [["bob", "carol"], "bob and carol are typing"],
    [["bob", "carol", "dora"], "several people are typing"],
  ])("%j: %j", (typists, words) => expect(typingText(typists)).toBe(words));
});

describe("what was not read yet", () => {
  test("begins with the first that came while nobody looked", () => {
    const unread = new Unread();
    unread.arrives(1);
    expect([unread.first, unread.count]).toEqual([undefined, 0]);
    unread.visibilityChanged(false);
    unread.arrives(2);
    unread.arrives(3);
    expect([unread.first, unread.count]).toEqual([2, 2]);
  });

  test("stays marked for who looks, until they look away", () => {
    const unread = new Unread();
    unread.visibilityChanged(false);
    unread.arrives(2);
    unread.visibilityChanged(true);
    unread.arrives(3);
    expect([unread.first, unread.count]).toEqual([2, 0]);
    unread.visibilityChanged(false);
    expect(unread.first).toBeUndefined();
    unread.arrives(4);
    expect([unread.first, unread.count]).toEqual([4, 1]);
  });
});

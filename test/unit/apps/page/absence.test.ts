/** What is told of an absence: nothing but what was seen. */
import { describe, expect, test } from "vitest";
import type { ClientState } from "../../../../src/client/index.ts";
import {
  type Absence,
  FIRST,
  NONE,
  onEntry,
  onSeen,
  onSent,
  onState,
  replayLine,
  summary,
} from "../../../../src/apps/page/model/absence.ts";
import { bannerOf, statusText } from "../../../../src/apps/page/model/status-text.ts";

const sound = { doubled: 0, misplaced: 0 };
const replaying = { type: "replaying", since: 10, head: 20 } as const;

type Step =
  | ClientState
  | { readonly seen: number }
  | { readonly comes: number; mine?: true }
  | "goes";

/** What happens one after another, from `absence` on. */
function after(absence: Absence, ...steps: readonly Step[]): Absence {
  let now = absence;
  for (const step of steps) {
    if (step === "goes") now = onSent(now);
    else if ("seen" in step) now = onSeen(now, step.seen);
    else if ("comes" in step) now = onEntry(now, step.comes, step.mine === true, sound);
    else now = onState(now, step);
  }
  return now;
}

const paused = { type: "paused" } as const;
const live = { type: "live" } as const;
const broken = { type: "offline", retryAt: 0, why: "the connection broke" } as const;

describe("while away", () => {
  test("what waits in the room is what another tab saw, each once", () => {
    const away = after(NONE, paused, { seen: 4 }, { seen: 5 }, { seen: 4 });
    expect(away).toMatchObject({ phase: "away", isMeant: true, seen: new Set([4, 5]) });
  });

  test("nothing is counted before, and nothing of an earlier absence", () => {
    expect(after(NONE, { seen: 1 })).toBe(NONE);
    const again = after(NONE, paused, { seen: 1 }, replaying, live, broken);
    expect(again).toMatchObject({ phase: "away", isMeant: false, seen: new Set() });
  });

  test("a link that breaks while it comes back does not begin another absence of the page", () => {
    expect(after(FIRST, replaying, broken)).toMatchObject({ phase: "away", isFirst: true });
  });
});

describe("at the return", () => {
  test("an upper bound is known, and shrinks with each entry", () => {
    const returning = after(NONE, paused, replaying, { comes: 13 });
    expect(returning).toMatchObject({ phase: "returning", at: 13, head: 20, came: 1 });
  });

  test("what came and what went is told, and the first that came has the line", () => {
    const back = after(
      NONE,
      paused,
      replaying,
      { comes: 11, mine: true },
      { comes: 12 },
      { comes: 15 },
      live,
      "goes",
    );
    expect(back).toMatchObject({ phase: "back", first: 12, came: 2, went: 2 });
    expect(summary(back)).toBe(
      "2 messages came while you were cut off, in order, none twice. 2 messages of yours went out.",
    );
    expect(back.phase === "back" && replayLine(back)).toBe(
      "2 messages came while you were cut off",
    );
  });

  test("what came twice, or out of order, is not called in order", () => {
    const returning = after(NONE, paused, replaying, { comes: 12 });
    const wrong = onEntry(returning, 11, false, { doubled: 1, misplaced: 1 });
    expect(summary(after(wrong, live))).toBe(
      "2 messages came while you were cut off, 1 out of order, 1 twice.",
    );
  });

  test.each<[string, Absence, string | undefined]>([
    [
      "nothing, after the switch",
      after(NONE, paused, replaying, live),
      "Connected again. Nothing came while you were cut off.",
    ],
    ["nothing, after a break", after(NONE, broken, replaying, live), undefined],
    [
      "one, since the page was open last",
      after(FIRST, replaying, { comes: 12 }, live),
      "1 message came while you were away, in order, none twice.",
    ],
    [
      "only one's own went out",
      after(NONE, paused, replaying, live, "goes"),
      "Connected again. 1 message of yours went out.",
    ],
  ])("%s", (_case, absence, words) => expect(summary(absence)).toBe(words));
});

describe("the link in words", () => {
  test("counts down to the next try, which can be had now", () => {
    const offline = { ...broken, retryAt: 5_000 };
    expect(statusText(offline, 1_500)).toEqual({
      text: "The connection broke: trying again in 4 s",
      tone: "bad",
      canTry: true,
    });
    expect(statusText(offline, 5_000)).toMatchObject({
      text: "The connection broke: trying again",
    });
    const full = { ...offline, why: "the room is full, 2 are online: come back later" };
    expect(statusText(full, 1_500).text).toBe(
      "The room is full, 2 are online: trying again in 4 s",
    );
  });

  test.each([
    [4001, "replaced", "use-here"],
    [4003, "the name belongs to another key", "enter-key"],
    [
      4003,
      "pages of http://a may not connect: add it to the server's ALLOWED_ORIGINS",
      "try-again",
    ],
    [4004, "an operator removed you", "try-again"],
    [4005, "an operator closed the room", "try-again"],
    [4104, "the key has expired", "enter-key"],
    [1011, "the storage failed", "try-again"],
    [4000, "bad", "reload"],
  ])("a close with %i says what to do first", (code, why, action) => {
    const notice = bannerOf({ type: "closed", code, why }, "bob");
    expect(notice?.actions[0]).toBe(action);
    expect(notice?.text).toMatch(/^[a-zA-Z].*\.$/);
  });

  test("who left by themselves is not told anything", () => {
    expect(bannerOf({ type: "closed", code: 1000, why: "" }, "bob")).toBeUndefined();
  });
});

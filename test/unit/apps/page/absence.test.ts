/** The texts about an absence: every number was observed. */
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

const noFaults = { duplicates: 0, outOfOrder: 0 };
const replaying = { type: "replaying", since: 10, head: 20 } as const;

type Step =
  | ClientState
  | { readonly seen: number }
  | { readonly receives: number; mine?: true }
  | "sent";

/** The absence after these steps. */
function after(absence: Absence, ...steps: readonly Step[]): Absence {
  let now = absence;
  for (const step of steps) {
    if (step === "sent") now = onSent(now);
    else if ("seen" in step) now = onSeen(now, step.seen);
    else if ("receives" in step) now = onEntry(now, step.receives, step.mine === true, noFaults);
    else now = onState(now, step);
  }
  return now;
}

const paused = { type: "paused" } as const;
const live = { type: "live" } as const;
const broken = { type: "offline", retryAt: 0, why: "the connection broke" } as const;

describe("while away", () => {
  test("the messages that wait in the room are those that another tab saw, each once", () => {
    const away = after(NONE, paused, { seen: 4 }, { seen: 5 }, { seen: 4 });
    expect(away).toMatchObject({ phase: "away", isDeliberate: true, seen: new Set([4, 5]) });
  });

  test("nothing is counted before an absence, and nothing of an earlier one", () => {
    expect(after(NONE, { seen: 1 })).toBe(NONE);
    const again = after(NONE, paused, { seen: 1 }, replaying, live, broken);
    expect(again).toMatchObject({ phase: "away", isDeliberate: false, seen: new Set() });
  });

  test("a connection that breaks during the replay does not begin another absence", () => {
    expect(after(FIRST, replaying, broken)).toMatchObject({ phase: "away", isFirst: true });
  });
});

describe("at the return", () => {
  test("the upper bound shrinks with each entry", () => {
    const returning = after(NONE, paused, replaying, { receives: 13 });
    expect(returning).toMatchObject({ phase: "returning", at: 13, head: 20, received: 1 });
  });

  test("the summary counts received and sent messages, and the line is at the first received", () => {
    const back = after(
      NONE,
      paused,
      replaying,
      { receives: 11, mine: true },
      { receives: 12 },
      { receives: 15 },
      live,
      "sent",
    );
    expect(back).toMatchObject({ phase: "back", first: 12, received: 2, sent: 2 });
    expect(summary(back)).toBe(
      "2 messages came while you were cut off, in order, none twice. 2 of yours were sent.",
    );
    expect(back.phase === "back" && replayLine(back)).toBe(
      "2 messages came while you were cut off",
    );
  });

  test("the summary reports duplicates, and messages out of order", () => {
    const returning = after(NONE, paused, replaying, { receives: 12 });
    const wrong = onEntry(returning, 11, false, { duplicates: 1, outOfOrder: 1 });
    expect(summary(after(wrong, live))).toBe(
      "2 messages came while you were cut off, 1 out of order, 1 twice.",
    );
  });

  test.each<[string, Absence, string | undefined]>([
    [
      "nothing, after the switch",
      after(NONE, paused, replaying, live),
      "Connected again. You missed no messages.",
    ],
    ["nothing, after a break", after(NONE, broken, replaying, live), undefined],
    [
      "one message, since the page was last open",
      after(FIRST, replaying, { receives: 12 }, live),
      "1 message came while you were away, in order, none twice.",
    ],
    [
      "only an own message was sent",
      after(NONE, paused, replaying, live, "sent"),
      "Connected again. 1 message of yours was sent.",
    ],
  ])("%s", (_case, absence, words) => expect(summary(absence)).toBe(words));
});

describe("the text of the connection state", () => {
  test("counts down to the next try, and offers to retry now", () => {
    const offline = { ...broken, retryAt: 5_000 };
    expect(statusText(offline, 1_500)).toEqual({
      text: "The connection broke: trying again in 4 s",
      tone: "bad",
      canRetry: true,
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
  ])("a close with %i: the first action", (code, why, action) => {
    const notice = bannerOf({ type: "closed", code, why }, "bob");
    expect(notice?.actions[0]).toBe(action);
    expect(notice?.text).toMatch(/^[a-zA-Z].*\.$/);
  });

  test("a person who leaves sees no banner", () => {
    expect(bannerOf({ type: "closed", code: 1000, why: "" }, "bob")).toBeUndefined();
  });
});

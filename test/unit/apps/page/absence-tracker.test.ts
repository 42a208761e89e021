/** Which messages of the outbox an absence counts, where its line is, and when its summary goes. */
import { expect, test } from "vitest";
import { AbsenceTracker } from "../../../../src/apps/page/absence-tracker.ts";

const noFaults = { duplicates: 0, outOfOrder: 0 };
const entry = (seq: number, from: string, id?: string) => ({ seq, from, text: "", at: 0, id });

/** The tracker after an absence in which alice wrote at 11, with `mine` still in the outbox. */
function back(): AbsenceTracker {
  const tracker = new AbsenceTracker();
  tracker.onState({ type: "paused" });
  tracker.onState({ type: "replaying", since: 10, head: 12 });
  tracker.onEntry(entry(11, "alice"), false, noFaults);
  tracker.onState({ type: "live" });
  tracker.onCaughtUp([{ type: "message", id: "mine", text: "" }]);
  return tracker;
}

test("the line of the replay is above its first message of others", () => {
  expect([...back().lines.keys()]).toEqual([11]);
});

test("an own message counts as sent if it was in the outbox at the return, once", () => {
  const tracker = back();
  for (const id of ["later", "mine", "mine"]) tracker.onEntry(entry(12, "bob", id), true, noFaults);
  expect(tracker.absence).toMatchObject({ phase: "back", received: 1, sent: 1 });
});

test("writing on dismisses the summary, but not before the outbox of the absence is sent", () => {
  const tracker = back();
  tracker.onWrite();
  expect(tracker.absence.phase).toBe("back");
  tracker.onEntry(entry(12, "bob", "mine"), true, noFaults);
  tracker.onWrite();
  expect(tracker.absence.phase).toBe("none");
});

test("the person can dismiss the summary, but not an absence that goes on", () => {
  const tracker = back();
  tracker.dismiss();
  expect(tracker.absence.phase).toBe("none");
  tracker.onState({ type: "paused" });
  tracker.dismiss();
  expect(tracker.absence.phase).toBe("away");
});

test("reactions and changes are no messages that came, and none that were sent", () => {
  const tracker = new AbsenceTracker();
  tracker.onState({ type: "paused" });
  tracker.onState({ type: "replaying", since: 10, head: 13 });
  tracker.onEntry({ ...entry(11, "alice"), quiet: true }, false, noFaults);
  tracker.onSilent(12);
  expect(tracker.absence).toMatchObject({ phase: "returning", at: 12, received: 0 });
  tracker.onState({ type: "live" });
  tracker.onCaughtUp([{ type: "patch", id: "mine", ref: 1, erase: true }]);
  tracker.onEntry(entry(14, "bob", "mine"), true, noFaults);
  expect(tracker.absence).toMatchObject({ phase: "back", received: 0, sent: 0 });
});

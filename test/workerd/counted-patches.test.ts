/** The cost of patches, counted on the real object: R10 asks for one row a commit, and one for each older row touched. */
import { describe, expect, test } from "vitest";
import { cost, sends } from "../support/harness/billing-counters.ts";
import { type Client, TestRoom } from "../support/harness/workerd.ts";

async function alone(): Promise<{ room: TestRoom; alice: Client }> {
  const room = new TestRoom();
  const alice = await room.joins("alice");
  await alice.isReady();
  return { room, alice };
}

const edit = (id: string, ref: number): object => ({ type: "patch", id, ref, text: `by ${id}` });

/** Returns the rows that the room writes until `id` is confirmed. */
async function rowsOf(
  room: TestRoom,
  alice: Client,
  id: string,
  frames: readonly object[],
): Promise<number> {
  const { rowsWritten } = await cost(room, async () => {
    alice.tells(frames);
    await alice.until(() => alice.frames.some((frame) => frame.includes(`"id":"${id}"`)), id);
  });
  return rowsWritten;
}

describe("counted", () => {
  test("R10: an edit costs its own row and those of the message and of the edit before it", async () => {
    const { room, alice } = await alone();
    const send = { type: "send", id: "a1", text: "hi" };
    expect(await rowsOf(room, alice, "a1", [send])).toBe(1);
    expect(await rowsOf(room, alice, "a2", [edit("a2", 1)])).toBe(2);
    expect(await rowsOf(room, alice, "a3", [edit("a3", 1)])).toBe(3);
    const erasure = { type: "patch", id: "a4", ref: 1, erase: true };
    expect(await rowsOf(room, alice, "a4", [erasure])).toBe(3);
  });

  test("R10: edits of one turn touch each older row once, and none for what they change in their own", async () => {
    const { room, alice } = await alone();
    alice.tells(sends(50));
    await alice.until(() => alice.texts.length === 50, "all");
    const edits = Array.from({ length: 50 }, (_, index) => edit(`e${index}`, index + 1));
    expect(await rowsOf(room, alice, "e49", edits)).toBe(2);
    const [send, change] = [{ type: "send", id: "b1", text: "hi" }, edit("b2", 101)];
    expect(await rowsOf(room, alice, "b2", [send, change])).toBe(1);
  });

  test("R10: a rejected patch costs nothing", async () => {
    const { room, alice } = await alone();
    expect(await rowsOf(room, alice, "a1", [edit("a1", 1)])).toBe(0);
    expect(alice.frames.at(-1)).toContain("unknown-ref");
  });
});

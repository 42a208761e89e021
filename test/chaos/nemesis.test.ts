/** The storm itself: what it does to the server may not happen twice at once. */
import { setTimeout as pause } from "node:timers/promises";
import { expect, test } from "vitest";
import { Nemesis } from "./nemesis.ts";

/** Longer than the time between two kills, as on a machine that is busy. */
const STARTING_MS = 60;

test("a server that was killed while it was still starting again ran twice on one storage", async () => {
  const story: string[] = [];
  const server = {
    killNine: async (): Promise<void> => void story.push("killed"),
    restart: async (): Promise<void> => {
      story.push("starting");
      await pause(STARTING_MS);
      story.push("up");
    },
  };
  const storm = new Nemesis([], server, () => {});
  const kill = { type: "kill", downMs: 1 } as const;
  storm.begins([0, 20, 40].map((at) => ({ at, trouble: kill })));
  await expect.poll(() => storm.counts.get("kill")).toBe(3);
  await storm.ends();
  expect(story.join(" ")).toMatch(/^(killed starting up ?)+$/);
  expect(story).toHaveLength(9);
});

/** The nemesis never runs two kills of the server at once. */
import { setTimeout as pause } from "node:timers/promises";
import { expect, test } from "vitest";
import { Nemesis } from "./nemesis.ts";

/** Longer than the time between two kills, as on a busy machine. */
const STARTING_MS = 60;

test("a server killed while it was starting again ran twice on one storage", async () => {
  const summary: string[] = [];
  const server = {
    killNine: async (): Promise<void> => void summary.push("killed"),
    restart: async (): Promise<void> => {
      summary.push("starting");
      await pause(STARTING_MS);
      summary.push("up");
    },
  };
  const nemesis = new Nemesis([], server, () => {});
  const kill = { type: "kill", downMs: 1 } as const;
  nemesis.start([0, 20, 40].map((at) => ({ at, disturbance: kill })));
  await expect.poll(() => nemesis.counts.get("kill")).toBe(3);
  await nemesis.stop();
  expect(summary.join(" ")).toMatch(/^(killed starting up ?)+$/);
  expect(summary).toHaveLength(9);
});

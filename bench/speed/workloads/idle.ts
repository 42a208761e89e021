/** Idle: the server's memory for five thousand connections without messages, awake and hibernating. */
import { setTimeout as pause } from "node:timers/promises";
import type { Speaker } from "../rig/system-under-test.ts";
import { untilIdle } from "../rig/meter.ts";
import type { Figures, Round, Workload } from "../rig/workload.ts";

const PEERS = 5_000;
/** Joins in progress at a time: few, because a storm would leave garbage in memory. */
const AT_A_TIME = 50;
/** The runtime hibernates an object after 10 s; the room sends its presence before that. */
const HIBERNATION_MS = 15_000;
const KIB = 1_024;

async function run({ system, server, scale }: Round): Promise<Figures> {
  const count = Math.round(PEERS * scale);
  const peers: Speaker[] = [];
  const joins = async (upTo: number): Promise<void> => {
    while (peers.length < upTo) {
      const few = Array.from({ length: AT_A_TIME }, (_, index) =>
        system.speak({ server, room: "idle", name: `p${peers.length + index}` }),
      );
      await Promise.all(few.map(({ ready }) => ready));
      peers.push(...few);
    }
    await untilIdle(server);
  };
  // The first joins load the object and warm it up.
  await joins(AT_A_TIME);
  const before = server.stats().rss;
  await joins(AT_A_TIME + count);
  const each = (): number => (server.stats().rss - before) / count / KIB;
  const awake = each();
  // A quick run does not wait: its figures are rough anyway.
  if (scale === 1) await pause(HIBERNATION_MS);
  const hibernating = each();
  for (const peer of peers) peer.cut();
  return {
    "KiB/connection": awake,
    ...(scale === 1 && { "hibernating, KiB/connection": hibernating }),
  };
}

export const idle: Workload = {
  name: "idle",
  about: "5,000 connections without messages; resident memory above that of 50",
  systems: ["relay", "room", "party"],
  usesDisk: false,
  run,
};

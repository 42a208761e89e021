/** Idle: what five thousand connections that say nothing hold of the server's memory, awake and hibernating. */
import { setTimeout as pause } from "node:timers/promises";
import type { Speaker } from "../rig/system-under-test.ts";
import { settled } from "../rig/meter.ts";
import type { Figures, Round, Workload } from "../rig/workload.ts";

const PEERS = 5_000;
/** So many join at a time: no storm, which would leave its garbage behind. */
const AT_A_TIME = 50;
/** The runtime hibernates an object after 10 s; a room has its news of who came to tell before. */
const HIBERNATION_MS = 15_000;
const KIB = 1_024;

async function run({ contender, server, scale }: Round): Promise<Figures> {
  const count = Math.round(PEERS * scale);
  const peers: Speaker[] = [];
  const joins = async (upTo: number): Promise<void> => {
    while (peers.length < upTo) {
      const few = Array.from({ length: AT_A_TIME }, (_, index) =>
        contender.speak({ server, room: "idle", name: `p${peers.length + index}` }),
      );
      await Promise.all(few.map(({ ready }) => ready));
      peers.push(...few);
    }
    await settled(server);
  };
  // The first load the object, and warm it.
  await joins(AT_A_TIME);
  const before = server.usage().rss;
  await joins(AT_A_TIME + count);
  const each = (): number => (server.usage().rss - before) / count / KIB;
  const awake = each();
  // A quick run does not wait: it tells nothing exact anyway.
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
  about: "5,000 connections that say nothing; resident memory above that of 50",
  contenders: ["relay", "room", "party"],
  usesDisk: false,
  run,
};

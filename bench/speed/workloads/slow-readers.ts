/**
 * Slow readers: a hundred peers that read get messages at a fixed pace, alone and then with a hundred peers in the room
 * that read nothing. A latency counts from the scheduled time of the message.
 */
import { setTimeout as pause } from "node:timers/promises";
import { percentile } from "../../support/statistics.ts";
import type { Speaker } from "../rig/system-under-test.ts";
import { meter, untilIdle } from "../rig/meter.ts";
import type { Figures, Round, Workload } from "../rig/workload.ts";

const LIVE = 100;
const SLOW = 100;
const PER_SECOND = 25;
const SECONDS = 20;
const TEXT_CHARACTERS = 2_000;
const MIB = 1_024 * 1_024;

async function run({ system, server, scale, generatorBound }: Round): Promise<Figures> {
  const words = Math.round(PER_SECOND * SECONDS * scale);
  let latencies: number[] = [];
  let isOver = (): void => {};
  const onEntry = ({ text }: { readonly text: string }): void => {
    latencies.push(performance.now() - Number(text.trimEnd()));
    if (latencies.length === words * LIVE) isOver();
  };
  const live = Array.from({ length: LIVE }, (_, index) =>
    system.speak({ server, room: "slow", name: `live-${index}`, onEntry }),
  );
  await Promise.all(live.map(({ ready }) => ready));
  const talk = async (): Promise<{ readonly p99: number; readonly cpu: number }> => {
    latencies = [];
    const cost = meter(server);
    const over = new Promise<void>((resolve) => {
      isOver = resolve;
    });
    const late = await says(live, words);
    await over;
    if (late > 1_000 / PER_SECOND) generatorBound();
    return { p99: percentile(latencies, 0.99), cpu: cost().server };
  };
  const alone = await talk();
  const slow = Array.from({ length: SLOW }, (_, index) =>
    system.speak({ server, room: "slow", name: `slow-${index}` }),
  );
  await Promise.all(slow.map(({ ready }) => ready));
  for (const peer of slow) peer.stopReading();
  await untilIdle(server);
  const before = server.stats().rss;
  const disturbed = await talk();
  const grown = server.stats().rss - before;
  for (const peer of [...live, ...slow]) peer.cut();
  return {
    "p99 disturbed ÷ p99 alone": disturbed.p99 / alone.p99,
    "p99 alone, ms": alone.p99,
    "p99 disturbed, ms": disturbed.p99,
    "CPU disturbed ÷ CPU alone": disturbed.cpu / alone.cpu,
    "server grew by, MiB": grown / MIB,
  };
}

/** @returns by how many ms the last message was late */
async function says(speakers: readonly Speaker[], words: number): Promise<number> {
  const start = performance.now();
  let late = 0;
  for (let number = 0; number < words; number++) {
    const due = start + (number * 1_000) / PER_SECOND;
    late = performance.now() - due;
    if (late < 0) await pause(-late);
    speakers[number % speakers.length]?.send(String(due).padEnd(TEXT_CHARACTERS));
  }
  return late;
}

export const slowReaders: Workload = {
  name: "slow-readers",
  about:
    "p99 of 100 peers that read 25 messages of 2 KB a second, alone and with 100 that never read",
  systems: ["relay", "room", "ws"],
  usesDisk: false,
  run,
};

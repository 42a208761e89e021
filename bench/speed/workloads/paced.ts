/** Paced: 2,000 messages a second from a hundred peers, each to one other peer; the time until each is confirmed. */
import { setTimeout as pause } from "node:timers/promises";
import { meter } from "../rig/meter.ts";
import { percentile } from "../../support/statistics.ts";
import type { Figures, Round, Workload } from "../rig/workload.ts";

const PEERS = 100;
const PER_SECOND = 2_000;
const SECONDS = 10;
const WARM_UP = 0.2;

async function run({ system, server, scale, generatorBound }: Round): Promise<Figures> {
  const total = Math.round(PER_SECOND * SECONDS * scale);
  const latencies: number[] = [];
  let done = 0;
  const { promise: over, resolve } = Promise.withResolvers<void>();
  const peers = Array.from({ length: PEERS }, (_, index) =>
    system.speak({
      server,
      room: "paced",
      name: `p${index}`,
      onEntry: ({ from, text }) => {
        if (from !== `p${index}`) return;
        const [number = 0, at = 0] = text.split(" ").map(Number);
        if (number > total * WARM_UP) latencies.push(performance.now() - at);
        if (++done === total) resolve();
      },
    }),
  );
  await Promise.all(peers.map((peer) => peer.ready));
  const cost = meter(server);
  const start = performance.now();
  for (let sent = 0; sent < total;) {
    const due = Math.min(total, ((performance.now() - start) / 1_000) * PER_SECOND);
    for (; sent < due; sent++) {
      const to = `p${(sent + 1) % PEERS}`;
      peers[sent % PEERS]?.send(`${sent} ${performance.now()} ${"x".repeat(80)}`, [to]);
    }
    await pause(1);
  }
  const late = (performance.now() - start) / 1_000 - total / PER_SECOND;
  if (late > 0.1 * (total / PER_SECOND)) generatorBound();
  await over;
  const spent = cost();
  for (const peer of peers) peer.cut();
  return {
    "p50, ms": percentile(latencies, 0.5),
    "p99, ms": percentile(latencies, 0.99),
    "server CPU, µs/message": (spent.server / total) * 1e6,
  };
}

export const paced: Workload = {
  name: "paced",
  about: "2,000 messages a second from 100 peers; time from send to confirmation",
  systems: ["relay", "insert", "room", "dev", "party", "party-insert", "socket.io", "ws"],
  usesDisk: true,
  run,
};

/** One in flight: two peers, one message at a time. Any wait for further messages would show here. */
import { meter } from "../rig/meter.ts";
import { percentile } from "../../support/statistics.ts";
import type { Figures, Round, Workload } from "../rig/workload.ts";

const MESSAGES = 4_000;

async function run({ system, server, scale }: Round): Promise<Figures> {
  const total = Math.round(MESSAGES * scale);
  const latencies: number[] = [];
  let sentAt = 0;
  const { promise: over, resolve } = Promise.withResolvers<void>();
  const bob = system.speak({ server, room: "single", name: "bob" });
  const alice = system.speak({
    server,
    room: "single",
    name: "alice",
    onEntry: () => {
      latencies.push(performance.now() - sentAt);
      if (latencies.length === total) resolve();
      else next();
    },
  });
  const next = (): void => {
    sentAt = performance.now();
    alice.send("x".repeat(100), ["bob"]);
  };
  await Promise.all([alice.ready, bob.ready]);
  const cost = meter(server);
  next();
  await over;
  const spent = cost();
  for (const peer of [alice, bob]) peer.cut();
  return {
    "p50, ms": percentile(latencies, 0.5),
    "p99, ms": percentile(latencies, 0.99),
    "server CPU, µs/message": (spent.server / total) * 1e6,
  };
}

export const single: Workload = {
  name: "single",
  about: "two peers, one message in flight",
  systems: ["relay", "insert", "room", "dev", "party", "party-insert", "socket.io", "ws"],
  usesDisk: true,
  run,
};

/**
 * Paced: a hundred peers send a fixed number of messages a second, each to one other peer: the CPU of each message, and the
 * time until it is confirmed.
 *
 * *Warm* follows 20,000 messages at full speed, so that the runtime has compiled what it runs; *fresh* is the first 30
 * seconds of a server.
 */
import { setTimeout as pause } from "node:timers/promises";
import { meter, untilIdle } from "../rig/meter.ts";
import { percentile } from "../../support/statistics.ts";
import type { Figures, Round, Workload } from "../rig/workload.ts";

const PEERS = 100;
const WARM_UP_MESSAGES = 20_000;
/** Messages of the warm-up that are in flight at once. */
const WARM_UP_WINDOW = 200;
const FRESH_SECONDS = 30;
const WARM_SECONDS = 10;

const run =
  (perSecond: number, seconds: number, isWarm: boolean) =>
  async ({ system, server, scale, generatorBound }: Round): Promise<Figures> => {
    const total = Math.ceil(perSecond * seconds * scale);
    const latencies: number[] = [];
    let confirmed = 0;
    let onConfirmed = (_at: number): void => {};
    const peers = Array.from({ length: PEERS }, (_, index) =>
      system.speak({
        server,
        room: "paced",
        name: `p${index}`,
        onEntry: ({ from, text }) => {
          if (from !== `p${index}`) return;
          confirmed++;
          onConfirmed(Number(text.split(" ")[0]));
        },
      }),
    );
    const say = (number: number): void =>
      peers[number % PEERS]?.send(`${performance.now()} ${"x".repeat(80)}`, [
        `p${(number + 1) % PEERS}`,
      ]);
    const until = (count: number): Promise<void> =>
      new Promise((resolve) => {
        const onEach = onConfirmed;
        onConfirmed = (at) => {
          onEach(at);
          if (confirmed >= count) resolve();
        };
      });
    await Promise.all(peers.map((peer) => peer.ready));

    if (isWarm) {
      const warm = Math.ceil(WARM_UP_MESSAGES * scale);
      let sent = 0;
      onConfirmed = () => {
        if (sent < warm) say(sent++);
      };
      const over = until(warm);
      while (sent < Math.min(WARM_UP_WINDOW, warm)) say(sent++);
      await over;
      await untilIdle(server);
    }

    confirmed = 0;
    onConfirmed = (at) => latencies.push(performance.now() - at);
    const over = until(total);
    const cost = meter(server);
    const start = performance.now();
    for (let sent = 0; sent < total;) {
      const due = Math.min(total, ((performance.now() - start) / 1_000) * perSecond);
      for (; sent < due; sent++) say(sent);
      await pause(1);
    }
    const late = (performance.now() - start) / 1_000 - total / perSecond;
    if (late > 0.1 * (total / perSecond)) generatorBound();
    await over;
    const spent = cost();
    for (const peer of peers) peer.cut();
    return {
      "p50, ms": percentile(latencies, 0.5),
      "p99, ms": percentile(latencies, 0.99),
      "server CPU, µs/message": (spent.server / total) * 1e6,
    };
  };

const workload = (perSecond: number, isWarm: boolean): Workload => ({
  name: `paced-${perSecond}${isWarm ? "" : "-fresh"}`,
  about: `${perSecond.toLocaleString("en")} messages a second from ${PEERS} peers, ${isWarm ? "warm" : `the first ${FRESH_SECONDS} s of a server`}`,
  systems: ["relay", "insert", "room", "dev", "party", "party-insert", "socket.io", "ws"],
  usesDisk: true,
  run: run(perSecond, isWarm ? WARM_SECONDS : FRESH_SECONDS, isWarm),
});

export const paced: readonly Workload[] = [
  workload(2_000, true),
  workload(200, true),
  workload(20, true),
  workload(2_000, false),
  workload(200, false),
  workload(20, false),
];

/**
 * Room-wide: some of the peers send to everyone, each with one message in flight; each copy counts as one delivery. The
 * first fifth warms up the server and is not counted.
 */
import { type Cost, isGeneratorBound, meter, untilIdle } from "../rig/meter.ts";
import type { Figures, Round, Workload } from "../rig/workload.ts";

const DELIVERIES = 1_000_000;
/** The part of the messages that is not counted: until then the runtime mostly compiles. */
const WARM_UP = 0.2;

const run =
  (size: number, speakers: number) =>
  async ({ system, server, scale, generatorBound }: Round): Promise<Figures> => {
    const total = 5 * Math.max(speakers, Math.round((DELIVERIES * scale) / size / 5));
    const warm = total * WARM_UP;
    let sent = 0;
    let received = 0;
    let cost: (() => Cost) | undefined;
    const { promise: over, resolve } = Promise.withResolvers<void>();
    const peers = Array.from({ length: size }, (_, index) => {
      const name = `p${index}`;
      const next = (): void => {
        if (sent++ < total) peers[index]?.send("x".repeat(100));
      };
      const peer = system.speak({
        server,
        room: "wide",
        name,
        onEntry: ({ from }) => {
          received++;
          if (received === warm * size) cost = meter(server);
          if (received === total * size) resolve();
          if (from === name) next();
        },
      });
      return Object.assign(peer, { next });
    });
    await Promise.all(peers.map((peer) => peer.ready));
    await untilIdle(server);
    for (const { next } of peers.slice(0, speakers)) next();
    await over;
    if (cost === undefined) throw new Error("nothing was measured");
    const spent = cost();
    if (isGeneratorBound(spent)) generatorBound();
    for (const peer of peers) peer.cut();
    return {
      "server CPU, µs/delivery": (spent.server / ((total - warm) * size)) * 1e6,
      "deliveries/s": ((total - warm) * size) / spent.seconds,
    };
  };

const workload = (name: string, size: number, speakers: number): Workload => ({
  name,
  about: `${speakers} of ${size} peers send to everyone`,
  systems: ["relay", "insert", "room", "party", "party-insert", "socket.io", "ws"],
  usesDisk: false,
  run: run(size, speakers),
});

export const roomWide: readonly Workload[] = [
  workload("wide-100", 100, 10),
  workload("wide-1000", 1_000, 10),
  workload("busy-1000", 1_000, 100),
];

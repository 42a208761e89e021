/** Room-wide: ten peers speak to everyone, a message each in flight; everyone's copy counts as one delivery. */
import { isGeneratorBound, meter } from "../rig/meter.ts";
import type { Figures, Round, Workload } from "../rig/workload.ts";

const SPEAKERS = 10;
const DELIVERIES = 400_000;

const run =
  (size: number) =>
  async ({ contender, server, scale, generatorBound }: Round): Promise<Figures> => {
    const total = Math.max(SPEAKERS, Math.round((DELIVERIES * scale) / size));
    let sent = 0;
    let heard = 0;
    const { promise: over, resolve } = Promise.withResolvers<void>();
    const peers = Array.from({ length: size }, (_, index) => {
      const name = `p${index}`;
      const next = (): void => {
        if (sent++ < total) peers[index]?.send("x".repeat(100));
      };
      const peer = contender.speak({
        server,
        room: "wide",
        name,
        onEntry: ({ from }) => {
          if (++heard === total * size) resolve();
          if (from === name) next();
        },
      });
      return Object.assign(peer, { next });
    });
    await Promise.all(peers.map((peer) => peer.ready));
    const cost = meter(server);
    for (const { next } of peers.slice(0, SPEAKERS)) next();
    await over;
    const spent = cost();
    if (isGeneratorBound(spent)) generatorBound();
    for (const peer of peers) peer.cut();
    return {
      "server CPU, µs/delivery": (spent.server / (total * size)) * 1e6,
      "deliveries/s": (total * size) / spent.seconds,
    };
  };

const workload = (size: number): Workload => ({
  name: `wide-${size}`,
  about: `${SPEAKERS} of ${size} peers speak to everyone`,
  contenders: ["relay", "insert", "room", "party", "party-insert", "socket.io", "ws"],
  usesDisk: false,
  run: run(size),
});

export const roomWide: readonly Workload[] = [workload(100), workload(1_000)];

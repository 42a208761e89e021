/**
 * Addressed: a hundred peers with a thousand messages in flight, each to one other peer. A message is done when it comes
 * back to its sender, so it is confirmed; the run also waits for the recipients' copies at the end. The first fifth warms
 * up the server and is not counted.
 */
import { type Cost, isGeneratorBound, meter } from "../rig/meter.ts";
import type { Figures, Round, Workload } from "../rig/workload.ts";

const PEERS = 100;
const IN_FLIGHT = 10;
const MESSAGES = 100_000;
/** The part of the messages that is not counted: until then the runtime mostly compiles. */
const WARM_UP = 0.2;
const TEXT = "x".repeat(100);

const nameOf = (index: number): string => `p${index % PEERS}`;

async function run({ system, server, scale, generatorBound }: Round): Promise<Figures> {
  const total = Math.round(MESSAGES * scale);
  const warm = Math.round(total * WARM_UP);
  let sent = 0;
  let copies = 0;
  let cost: (() => Cost) | undefined;
  const { promise: over, resolve } = Promise.withResolvers<void>();
  const peers = Array.from({ length: PEERS }, (_, index) => {
    const next = (): void => {
      if (sent < total) peers[index]?.send(TEXT, [nameOf(index + 1 + (sent++ % (PEERS - 1)))]);
    };
    const name = nameOf(index);
    const peer = system.speak({
      server,
      room: "addressed",
      name,
      onEntry: ({ from }) => {
        copies++;
        if (copies === 2 * warm) cost = meter(server);
        if (copies === 2 * total) resolve();
        if (from === name) next();
      },
    });
    return Object.assign(peer, { next });
  });
  await Promise.all(peers.map((peer) => peer.ready));
  for (const { next } of peers) for (let count = 0; count < IN_FLIGHT; count++) next();
  await over;
  if (cost === undefined) throw new Error("nothing was measured");
  const spent = cost();
  if (isGeneratorBound(spent)) generatorBound();
  for (const peer of peers) peer.cut();
  return {
    "server CPU, µs/message": (spent.server / (total - warm)) * 1e6,
    "messages/s": (total - warm) / spent.seconds,
  };
}

export const addressed: Workload = {
  name: "addressed",
  about: "100 peers, 1,000 in flight, each message to one other peer",
  systems: ["relay", "insert", "room", "arrays", "dev", "party", "party-insert", "socket.io", "ws"],
  usesDisk: true,
  run,
};

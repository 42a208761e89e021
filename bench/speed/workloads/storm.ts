/**
 * Storms: five thousand peers join a room at once, all lose their connections, and all return at once, as fast as the
 * server accepts them. They return several times; the figure is the median, because V8 compiles during the first.
 *
 * CPU counts until the server is idle, so that it includes the presence about the newcomers.
 */
import type { Server, Speaker } from "../rig/system-under-test.ts";
import { statisticsOf } from "../../support/statistics.ts";
import { type Cost, isGeneratorBound, meter, untilIdle } from "../rig/meter.ts";
import type { Figures, Round, Workload } from "../rig/workload.ts";

const PEERS = 5_000;
const RETURNS = 3;
/** Handshakes in progress at a time: the runtime drops one that waits 15 s, which could happen to 5,000. */
const ON_THEIR_WAY = 500;

const median = (values: number[]): number => statisticsOf(values).median;

/** @returns the wall time until all have joined, with the CPU until the server is idle */
async function arrive(
  server: Server,
  count: number,
  comes: (index: number) => Speaker,
): Promise<Cost> {
  const cost = meter(server);
  let next = 0;
  const queue = async (): Promise<void> => {
    while (next < count) await comes(next++).ready;
  };
  await Promise.all(Array.from({ length: ON_THEIR_WAY }, queue));
  const { seconds, generator } = cost();
  await untilIdle(server);
  return { ...cost(), seconds, generator };
}

async function run({ system, server, scale, generatorBound }: Round): Promise<Figures> {
  const count = Math.round(PEERS * scale);
  // The first join loads the object.
  const first = system.speak({ server, room: "storm", name: "first" });
  await first.ready;
  await untilIdle(server);
  const peers: Speaker[] = [];
  const join = await arrive(server, count, (index) => {
    const peer = system.speak({ server, room: "storm", name: `p${index}` });
    peers.push(peer);
    return peer;
  });
  const returns: Cost[] = [];
  for (let time = 0; time < RETURNS; time++) {
    for (const peer of peers) peer.cut();
    await untilIdle(server);
    const back = await arrive(server, count, (index) => {
      const peer = peers[index] ?? first;
      peer.returns();
      return peer;
    });
    returns.push(back);
  }
  if ([join, ...returns].some(isGeneratorBound)) generatorBound();
  for (const peer of [first, ...peers]) peer.cut();
  return {
    "join, server CPU, µs each": (join.server / count) * 1e6,
    "join, until all are in, ms": join.seconds * 1_000,
    "back, server CPU, µs each": (median(returns.map((back) => back.server)) / count) * 1e6,
    "back, until all are in, ms": median(returns.map((back) => back.seconds)) * 1_000,
  };
}

export const storm: Workload = {
  name: "storm",
  about: "5,000 join at once, lose their connections, and all return at once, three times",
  systems: ["relay", "room", "party"],
  usesDisk: false,
  run,
};

/**
 * Storms: five thousand join a room at once, all of them lose their links, and all come back at once: as fast as they
 * are let in. They lose their links and come back several times; the figure is the median of these, for while they come
 * back first, V8 compiles what that takes.
 *
 * CPU counts until the server rests, so that what it says to everyone about the newcomers is in it.
 */
import type { Server, Speaker } from "../rig/system-under-test.ts";
import { spreadOf } from "../../support/statistics.ts";
import { type Cost, isGeneratorBound, meter, settled } from "../rig/meter.ts";
import type { Figures, Round, Workload } from "../rig/workload.ts";

const PEERS = 5_000;
const RETURNS = 3;
/** So many are on their way at any moment: the runtime hangs up on who waits 15 s, and 5,000 may have to. */
const ON_THEIR_WAY = 500;

const median = (values: number[]): number => spreadOf(values).median;

/** @returns the wall until all are in, with the CPU until the server rests */
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
  await settled(server);
  return { ...cost(), seconds, generator };
}

async function run({ contender, server, scale, generatorBound }: Round): Promise<Figures> {
  const count = Math.round(PEERS * scale);
  // Whoever comes first loads the object.
  const first = contender.speak({ server, room: "storm", name: "first" });
  await first.ready;
  await settled(server);
  const peers: Speaker[] = [];
  const join = await arrive(server, count, (index) => {
    const peer = contender.speak({ server, room: "storm", name: `p${index}` });
    peers.push(peer);
    return peer;
  });
  const returns: Cost[] = [];
  for (let time = 0; time < RETURNS; time++) {
    for (const peer of peers) peer.cut();
    await settled(server);
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
  about: "5,000 join at once, lose their links, and all come back at once, three times",
  contenders: ["relay", "room", "party"],
  usesDisk: false,
  run,
};

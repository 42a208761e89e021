/** The cost of an action, from the room's own counters. */
import type { Counters } from "../../../src/durable-object/rpc.ts";
import type { Client, TestRoom } from "./workerd.ts";

/** Returns the cost of `scene`, which must wait for everything that it starts. */
export async function cost(room: TestRoom, scene: () => Promise<void>): Promise<Counters> {
  const before = await room.counters();
  await scene();
  const after = await room.counters();
  const kinds = Object.keys(after) as (keyof Counters)[];
  return Object.fromEntries(kinds.map((kind) => [kind, after[kind] - before[kind]])) as Counters;
}

export const person = (people: readonly Client[], index: number): Client => {
  const client = people[index];
  if (client === undefined) throw new Error("nobody");
  return client;
};

export const sends = (count: number, to?: readonly string[]): object[] =>
  Array.from({ length: count }, (_, i) => ({
    type: "send",
    id: `${i}`,
    text: `${i}`,
    ...(to && { to }),
  }));

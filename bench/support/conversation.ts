/**
 * People who talk to everyone at a fixed pace, and how long their words take: a process of its own.
 *
 * Each says its words at moments that are fixed beforehand, and a latency counts from that moment, not from when the
 * sender came to it: a pause of the generator or of the room is not left out.
 */
import { setTimeout as pause } from "node:timers/promises";
import { obeys } from "./child.ts";
import { type Item, Peer, type Place } from "./peer.ts";

export type Order =
  | { readonly do: "join"; readonly place: Place; readonly peers: number }
  /** To everyone in the room, or, addressed, to all of the conversation by name. */
  | {
      readonly do: "talk";
      readonly ms: number;
      readonly perSecond: number;
      readonly isAddressed?: boolean;
    };

export interface Talk {
  /** ms from when a word was due to be said until it came to somebody, all deliveries. */
  readonly latencies: readonly number[];
  /** Deliveries that should have come and did not, within `DRAIN_MS` after the last word. */
  readonly missing: number;
  /** Links that ended. */
  readonly ended: number;
}

/** How long the last words may take before they are missing: long enough for whatever a machine is slow at. */
const DRAIN_MS = 60_000;

const peers: Peer[] = [];
const names: string[] = [];
let ended = 0;
/** When each word was due, by its text. */
const due = new Map<string, number>();
let latencies: number[] = [];
let arrived: () => void = () => {};
let words = 0;

async function join(place: Place, count: number): Promise<void> {
  for (let number = 0; number < count; number++) {
    const name = `peer-${number}`;
    const peer = await Peer.enters(place, name, "", hears);
    names.push(name);
    void peer.ended.then(() => ended++);
    peers.push(peer);
  }
}

function hears({ type, seq = 0, text = "" }: Item, peer: Peer): void {
  if (type !== "message" && type !== "gap" && type !== "ready") return;
  peer.acks(seq);
  const at = due.get(text);
  if (at === undefined) return;
  latencies.push(performance.now() - at);
  arrived();
}

async function talk(ms: number, perSecond: number, isAddressed: boolean): Promise<Talk> {
  latencies = [];
  due.clear();
  ended = 0;
  const start = performance.now();
  const count = Math.floor((ms / 1_000) * perSecond);
  for (let number = 0; number < count; number++) {
    const at = start + (number * 1_000) / perSecond;
    if (at > performance.now()) await pause(at - performance.now());
    const text = `word ${words++}`;
    due.set(text, at);
    peers[number % peers.length]?.says({
      type: "send",
      id: text,
      text,
      ...(isAddressed && { to: names }),
    });
  }
  const expected = count * peers.length;
  const { promise, resolve } = Promise.withResolvers<void>();
  arrived = () => {
    if (latencies.length >= expected) resolve();
  };
  arrived();
  await Promise.race([promise, pause(DRAIN_MS)]);
  return { latencies, missing: expected - latencies.length, ended };
}

obeys(async (order: Order): Promise<Talk | undefined> => {
  if (order.do === "join") await join(order.place, order.peers);
  else return talk(order.ms, order.perSecond, order.isAddressed ?? false);
  return undefined;
});

/**
 * Peers that send messages to everyone at a fixed pace, in a process of their own, and the latencies of the messages.
 *
 * The schedule is fixed beforehand. A latency counts from the scheduled time, not from the actual send, so that it
 * includes pauses of the generator and of the room.
 */
import { setTimeout as pause } from "node:timers/promises";
import { serveTasks } from "./child.ts";
import { type Item, Peer, type Place } from "./peer.ts";

export type Task =
  | { readonly do: "join"; readonly place: Place; readonly peers: number }
  /** Sends to everyone in the room, or, if addressed, to all participants by name. */
  | {
      readonly do: "talk";
      readonly ms: number;
      readonly perSecond: number;
      readonly isAddressed?: boolean;
    };

export interface Talk {
  /** ms from the scheduled time of a message to its arrival, for all deliveries. */
  readonly latencies: readonly number[];
  /** Deliveries that did not arrive within `DRAIN_MS` after the last message. */
  readonly missing: number;
  /** Connections that ended. */
  readonly ended: number;
}

/** Longest wait for the last messages; long enough for a slow machine. */
const DRAIN_MS = 60_000;

const peers: Peer[] = [];
const names: string[] = [];
let ended = 0;
/** Scheduled time of each message, by its text. */
const due = new Map<string, number>();
let latencies: number[] = [];
let arrived: () => void = () => {};
let words = 0;

async function join(place: Place, count: number): Promise<void> {
  for (let number = 0; number < count; number++) {
    const name = `peer-${number}`;
    const peer = await Peer.enters(place, name, "", onItem);
    names.push(name);
    void peer.ended.then(() => ended++);
    peers.push(peer);
  }
}

function onItem({ type, seq = 0, text = "" }: Item, peer: Peer): void {
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

serveTasks(async (task: Task): Promise<Talk | undefined> => {
  if (task.do === "join") await join(task.place, task.peers);
  else return talk(task.ms, task.perSecond, task.isAddressed ?? false);
  return undefined;
});

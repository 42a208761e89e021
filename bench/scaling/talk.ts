/** What is done to a room, and what that costs its server. */
import type { Server } from "../speed/rig/system-under-test.ts";
import { meter, settled } from "../speed/rig/meter.ts";
import { type Item, Peer, type Place } from "../support/peer.ts";

/** Of entries that were not acknowledged, at most so many: well within the window. */
const ACK_EVERY = 32;
/** Nor for longer: a link that leaves something unacknowledged for 90 s is dead, and its room does not hibernate. */
const ACK_MS = 500;

/** Acknowledges as it goes. */
export class Listener {
  #seq = 0;
  #unacked = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #onEntry: (item: Item) => void = () => {};
  received = 0;

  hears = (item: Item, peer: Peer): void => {
    const { type, seq = 0 } = item;
    if (type !== "message" && type !== "ready") return;
    this.#seq = seq;
    const ack = (): void => {
      clearTimeout(this.#timer);
      this.#timer = undefined;
      this.#unacked = 0;
      peer.acks(this.#seq);
    };
    if (++this.#unacked >= ACK_EVERY || type === "ready") ack();
    else this.#timer ??= setTimeout(ack, ACK_MS);
    if (type !== "message") return;
    this.received++;
    this.#onEntry(item);
  };

  /** @returns when `count` entries have come from now on */
  entries(count: number): Promise<void> {
    let left = count;
    return new Promise((resolve) => {
      this.#onEntry = () => {
        if (--left === 0) resolve();
      };
    });
  }
}

export interface Person {
  readonly peer: Peer;
  readonly listener: Listener;
}

export async function enters(place: Place, name: string, query = ""): Promise<Person> {
  const listener = new Listener();
  return { peer: await Peer.enters(place, name, query, listener.hears), listener };
}

let said = 0;

/** Says as many things at once, in one frame. @returns when all are confirmed */
export async function says(
  { peer, listener }: Person,
  to: readonly string[],
  count = 1,
): Promise<void> {
  const text = "x".repeat(100);
  const items = Array.from({ length: count }, () => ({ type: "send", id: `${said++}`, text, to }));
  const confirmed = listener.entries(count);
  peer.says(count === 1 ? (items[0] ?? {}) : items);
  await confirmed;
}

export interface Each {
  /** ms of the server's CPU. */
  readonly cpu: number;
  /** ms on the wall. */
  readonly wall: number;
}

/** Does something again and again for `ms`. @returns what it cost each time */
export async function repeatedly(
  server: Server,
  ms: number,
  act: (index: number) => Promise<void>,
): Promise<Each> {
  // The first time is not like the others.
  await act(0);
  await settled(server);
  const cost = meter(server);
  let times = 0;
  const start = performance.now();
  while (performance.now() - start < ms) await act(++times);
  const { seconds, server: cpu } = cost();
  return { cpu: (cpu * 1_000) / times, wall: (seconds * 1_000) / times };
}

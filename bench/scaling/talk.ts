/** Actions in a room, and their cost to the server. */
import type { Server } from "../speed/rig/system-under-test.ts";
import { meter, untilIdle } from "../speed/rig/meter.ts";
import { type Item, Peer, type Place } from "../support/peer.ts";

/** Entries left unacknowledged at most: well within the window. */
const ACK_EVERY = 32;
/** Longest delay of an ack: a room does not hibernate while one is due, and closes the connection after 90 s. */
const ACK_MS = 500;

/** Counts entries and acknowledges them. */
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

  /** Resolves when `count` more entries have arrived. */
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

/** Sends `count` messages in one frame. Resolves when all are confirmed. */
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
  /** The server's CPU time, ms. */
  readonly cpu: number;
  /** Wall time, ms. */
  readonly wall: number;
}

/** Repeats an action for `ms`. @returns its mean cost */
export async function repeatedly(
  server: Server,
  ms: number,
  act: (index: number) => Promise<void>,
): Promise<Each> {
  // The first run is not counted: it compiles code and loads the room.
  await act(0);
  await untilIdle(server);
  const cost = meter(server);
  let times = 0;
  const start = performance.now();
  while (performance.now() - start < ms) await act(++times);
  const { seconds, server: cpu } = cost();
  return { cpu: (cpu * 1_000) / times, wall: (seconds * 1_000) / times };
}

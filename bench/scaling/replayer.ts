/** Some who return to a room from the log's first entry on, again and again: a process of its own. */
import { setTimeout as pause } from "node:timers/promises";
import { obeys } from "../support/child.ts";
import { Peer, type Place } from "../support/peer.ts";
import { Listener } from "./talk.ts";

export interface Order {
  readonly place: Place;
  readonly names: readonly string[];
  readonly ms: number;
}

export interface Returned {
  /** How often it became ready. */
  readonly times: number;
  readonly entries: number;
}

async function returns({ place, names, ms }: Order): Promise<Returned> {
  const all = await Promise.all(names.map((name) => returnsAs(name, place, ms)));
  return {
    times: all.reduce((sum, { times }) => sum + times, 0),
    entries: all.reduce((sum, { entries }) => sum + entries, 0),
  };
}

async function returnsAs(name: string, place: Place, ms: number): Promise<Returned> {
  const end = performance.now() + ms;
  let times = 0;
  let entries = 0;
  while (performance.now() < end) {
    const listener = new Listener();
    const peer = new Peer(place, name, "&since=0", (item, self) => {
      if (item.type === "ready" && ready !== undefined) ready();
      listener.hears(item, self);
    });
    let ready: (() => void) | undefined;
    const isReady = new Promise<true>((resolve) => {
      ready = () => resolve(true);
    });
    const left = Math.max(0, end - performance.now());
    if ((await Promise.race([isReady, pause(left)])) === true) times++;
    entries += listener.received;
    peer.socket.terminate();
    await peer.ended;
  }
  return { times, entries };
}

obeys(returns);

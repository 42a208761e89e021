/** Peers that replay a room's log from its first entry repeatedly, in a process of their own. */
import { setTimeout as pause } from "node:timers/promises";
import { serveTasks } from "../support/child.ts";
import { Peer, type Place } from "../support/peer.ts";
import { Listener } from "./talk.ts";

export interface Task {
  readonly place: Place;
  readonly names: readonly string[];
  readonly ms: number;
}

export interface Replayed {
  /** Replays that reached `ready`. */
  readonly times: number;
  readonly entries: number;
}

async function replays({ place, names, ms }: Task): Promise<Replayed> {
  const all = await Promise.all(names.map((name) => replaysAs(name, place, ms)));
  return {
    times: all.reduce((sum, { times }) => sum + times, 0),
    entries: all.reduce((sum, { entries }) => sum + entries, 0),
  };
}

async function replaysAs(name: string, place: Place, ms: number): Promise<Replayed> {
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

serveTasks(replays);

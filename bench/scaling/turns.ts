/**
 * Measures the longest turn during the replay of a long log: the room's own broker, storage and codec on Node, in CPU time
 * of their one thread. Other work of the machine is not included. During a turn, no other peer is served.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { Broker } from "../../src/core/broker.ts";
import type { Event } from "../../src/core/event.ts";
import { defaultLimits } from "../../src/config/limits.ts";
import {
  type ConnectionId,
  type ConnectionRef,
  nextConnectionId,
  type PeerName,
  type RoomName,
  type Seq,
} from "../../src/protocol/ids.ts";
import type { Connections } from "../../src/core/ports.ts";
import { wakeState } from "../../src/core/state.ts";
import { writeFrame } from "../../src/codec/json.ts";
import { seededStorage, type Past } from "./seed-database.ts";

export interface Turns {
  /** CPU time, ms. */
  readonly longest: number;
  readonly mean: number;
  readonly count: number;
  readonly entries: number;
}

/** A peer that replays from the first entry and acknowledges each frame at once. */
class Replayer {
  readonly link: ConnectionRef;
  isReady = false;
  received = 0;
  unacked: Seq | undefined;
  /** The token of the newest mark received. */
  k: string | undefined;

  constructor(link: ConnectionRef) {
    this.link = link;
  }
}

/** @param names peers that return in one turn, each from the log's first entry */
export function measureTurns(folder: string, past: Past, names: readonly string[]): Turns {
  const home = mkdtempSync(join(folder, "turns-"));
  const { db, storage } = seededStorage(home, { name: "turns", past, absent: names.length });
  try {
    let now = Date.now();
    const limits = defaultLimits();
    const replayers = new Map<ConnectionId, Replayer>();
    let marks = 0;
    const connections: Connections = {
      open: () => {},
      saveSnapshot: () => {},
      close: () => {},
      token: (id) => `${id}-${++marks}`,
      pinged: () => undefined,
      send: (id, outs) => {
        const one = replayers.get(id);
        for (const out of one === undefined ? [] : outs) {
          if (out.type === "ready" && one !== undefined) one.isReady = true;
          if (out.type === "mark" && one !== undefined) one.k = out.k;
          if (out.type !== "entries" || one === undefined) continue;
          one.received += out.entries.length;
          one.unacked = out.entries.at(-1)?.seq ?? one.unacked;
        }
        return writeFrame(outs, limits).bytes;
      },
    };
    const { state } = wakeState([], storage.log, now);
    const broker = new Broker({ storage, limits, connections, epoch: "" }, state);
    const joins = names.map((name, index): Event => {
      const id = nextConnectionId(undefined, now, index);
      const link = { name: name as PeerName, id };
      replayers.set(id, new Replayer(link));
      const room = "turns" as RoomName;
      const join = {
        room,
        name: link.name,
        owner: "",
        dialect: "chat.v1",
        since: 0 as Seq,
      } as const;
      return { type: "NewPeer", id, join };
    });
    const spent: number[] = [];
    let events: readonly Event[] = joins;
    while ([...replayers.values()].some(({ isReady }) => !isReady)) {
      const before = process.threadCpuUsage();
      broker.turn(events, now);
      const { user, system } = process.threadCpuUsage(before);
      spent.push((user + system) / 1_000);
      now = Math.max(now + 1, broker.due(now) ?? 0);
      events = [...replayers.values()].flatMap((one): Event[] => {
        const { unacked: seq, k, link } = one;
        one.unacked = undefined;
        if (seq === undefined) return [];
        return [
          {
            type: "CommandReceived",
            link,
            command: { type: "Ack", seq, ...(k !== undefined && { k }) },
          },
        ];
      });
      if (events.length === 0) events = [{ type: "Tick" }];
    }
    // The first turns run before V8 has compiled the code.
    const warm = spent.length > 20 ? spent.slice(10) : spent;
    return {
      longest: Math.max(...warm),
      mean: warm.reduce((sum, ms) => sum + ms, 0) / warm.length,
      count: spent.length,
      entries: [...replayers.values()].reduce((sum, { received }) => sum + received, 0),
    };
  } finally {
    db.close();
    rmSync(home, { recursive: true, force: true });
  }
}

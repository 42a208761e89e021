/**
 * Queries of the operator: messages, names, facts. They are answered after the commit of the turn.
 *
 * Invariant: a query changes nothing.
 */
import type { AdminRequest, AdminResult, NameFacts, RoomFacts } from "../../protocol/admin.ts";
import { addSeq, maxSeq, type PeerName, type Seq } from "../../protocol/ids.ts";
import type { RoomContext } from "../context.ts";
import { concerns } from "../entry.ts";
import { SCAN_ENTRIES } from "../limits.ts";
import { countInFlight } from "../peers/in-flight.ts";

export class AdminQueries {
  readonly #context: RoomContext;
  readonly #refusals: () => RoomFacts["refusals"];

  /** @param refusals what this instance has refused so far */
  constructor(context: RoomContext, refusals: () => RoomFacts["refusals"]) {
    this.#context = context;
    this.#refusals = refusals;
  }

  /** @returns undefined for a request that is no query. @throws what the storage throws */
  answer(request: AdminRequest): AdminResult | undefined {
    switch (request.type) {
      case "Messages":
        return this.#messages(request);
      case "Names":
        return this.#names(request);
      case "Stats":
        return { type: "stats", facts: this.#facts() };
      default:
        return undefined;
    }
  }

  /** Messages are folded, so patches are left out. */
  #messages(request: Extract<AdminRequest, { type: "Messages" }>): AdminResult {
    const { since, until = Infinity, limit, bytes } = request;
    const { log } = this.#context.storage;
    const frames: string[] = [];
    let left = bytes;
    let end = since;
    let isFull = false;
    const scan = log.after(since);
    for (const entry of scan.entries) {
      if (entry.seq > until) break;
      if (entry.type === "message") {
        isFull = frames.length === limit || (frames.length > 0 && entry.bytes > left);
        if (isFull) break;
        frames.push(entry.frame);
        left -= entry.bytes;
      }
      end = entry.seq;
    }
    if (!isFull) end = maxSeq(end, scan.end);
    return { type: "messages", frames, end, first: log.first, head: log.head };
  }

  #names({ after, limit }: Extract<AdminRequest, { type: "Names" }>): AdminResult {
    const { storage, peers, presence, pump } = this.#context;
    const { directory, log } = storage;
    const found = directory.page(after, limit + 1);
    const floor = maxSeq(addSeq(log.head, -SCAN_ENTRIES), addSeq(log.first, -1));
    const counted = found.slice(0, limit).flatMap((name) => {
      const record = directory.find(name);
      if (record === undefined) return [];
      const peer = peers.get(name);
      const cursor = peer === undefined ? record.cursor : pump.cursorOf(peer);
      const have = maxSeq(cursor, record.birth);
      return [{ name, cursor, have, seen: record.seen, waiting: 0 }];
    });
    this.#count(counted, floor);
    const names = counted.map(({ name, cursor, have, seen, waiting }): NameFacts => {
      const online = presence.isOnline(name);
      return { name, online, cursor, waiting, more: have < floor, seen };
    });
    const next = found.length > limit ? names.at(-1)?.name : undefined;
    return { type: "names", names, ...(next !== undefined && { next }) };
  }

  /** Counts what waits for each name of a page, in one scan of the end of the log. */
  #count(counted: { name: PeerName; have: Seq; waiting: number }[], floor: Seq): void {
    const { log } = this.#context.storage;
    let reached = maxSeq(floor, Math.min(log.head, ...counted.map(({ have }) => have)) as Seq);
    while (reached < log.head) {
      const scan = log.after(reached);
      for (const entry of scan.entries) {
        for (const one of counted) {
          if (entry.seq > one.have && concerns(entry, one.name)) one.waiting++;
        }
      }
      reached = scan.end;
    }
  }

  #facts(): RoomFacts {
    const { peers, presence, storage } = this.#context;
    const { log, directory } = storage;
    const { bytes, oldestAt } = log.extent;
    const online = new Set(peers.names());
    const flights = Array.from(peers.values(), ({ flight }) => flight);
    const times = oldestAt === undefined ? {} : { oldestAt, newestAt: log.headAt };
    const entries = log.head - log.first + 1;
    return {
      peers: { online: presence.online, known: directory.count() },
      log: { first: log.first, head: log.head, entries, bytes, ...times },
      waiting: {
        away: directory.waiting(online),
        behind: [...peers.values()].filter(({ live }) => !live).length,
        inFlight: flights.reduce((sum, flight) => sum + countInFlight(flight), 0),
        inFlightBytes: flights.reduce((sum, flight) => sum + flight.bytes, 0),
      },
      refusals: this.#refusals(),
    };
  }
}

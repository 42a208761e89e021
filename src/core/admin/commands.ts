/**
 * The operator's part of the broker: orders taken in arrival order with everything else, answered once they are stored.
 *
 * Invariants:
 * - R3: an answer leaves with the frames of its turn, after the commit; what was only asked is read then, too.
 * - R2: whoever is expelled, or was in a room that is erased, is removed by the broker's one removal.
 * - R8: a search for an `id` reads a bounded stretch of the log a turn; the asker goes on from where it ended.
 */
import { mayRead } from "../peers/peers.ts";
import { FRAME_OVERHEAD } from "../delivery/outbox.ts";
import { concerns, type Entry, type EntryFields, redact } from "../entry.ts";
import { countInFlight } from "../peers/in-flight.ts";
import { SCAN_ENTRIES } from "../limits.ts";
import { maxSeq, type PeerName, type Seq, addSeq } from "../../protocol/ids.ts";
import type { AuditBuffer } from "../audit-log.ts";
import type {
  NameFacts,
  AdminRequest,
  AdminResult,
  Publication,
  RoomFacts,
} from "../../protocol/admin.ts";
import type { TurnOutput } from "../delivery/outbox.ts";
import type { Peer, Peers } from "../peers/peers.ts";
import type { Presence } from "../peers/presence.ts";
import type { Pump } from "../delivery/pump.ts";
import type { Storage } from "../ports.ts";
import { CLOSE } from "../../protocol/close-codes.ts";

/** What the broker does for its operator. */
interface Verbs {
  /** The entries of this turn, which the log does not hold yet. */
  fresh(): Entry[];
  append(fields: Omit<EntryFields, "seq" | "at">, now: number): Entry;
  end(peer: Peer, code: number, reason: string, now: number): void;
  /** Those of the names that the room does not know. */
  unknown(names: readonly PeerName[]): PeerName[];
  refusals(): RoomFacts["refusals"];
}

interface Surroundings {
  readonly peers: Peers;
  readonly presence: Presence;
  readonly pump: Pump;
  readonly outbox: TurnOutput;
  readonly notes: AuditBuffer;
  readonly storage: Storage;
  readonly verbs: Verbs;
}

export interface AnsweredRequest {
  readonly requestId: number;
  readonly result: AdminResult;
}

export class AdminHandler {
  readonly #at: Surroundings;
  readonly #redacted = new Map<Seq, Entry>();
  #isErasing = false;
  /** Orders that only look: put into words after the commit. */
  #queries: { readonly ask: number; readonly order: AdminRequest }[] = [];
  #results: AnsweredRequest[] = [];

  constructor(surroundings: Surroundings) {
    this.#at = surroundings;
  }

  /** Entries of the log wait for their new text. */
  get isChanged(): boolean {
    return this.#redacted.size > 0;
  }

  /** The storage goes with the commit of this turn, and the broker with it. */
  get isErasing(): boolean {
    return this.#isErasing;
  }

  handle(ask: number, order: AdminRequest, now: number): void {
    try {
      this.#execute(ask, order, now);
    } catch (error) {
      // The others look before they change anything. An erasure that stopped half-way cannot be gone on from.
      if (order.type === "Erase") throw error;
      this.#log(ask, order, this.#trouble(error));
    }
  }

  #execute(ask: number, order: AdminRequest, now: number): void {
    switch (order.type) {
      case "Publish":
        return this.#log(ask, order, this.#publish(order, now), { name: order.from });
      case "Redact":
        return this.#log(ask, order, this.#redact(order.seq, now), { seq: order.seq });
      case "Expel":
        return this.#log(ask, order, this.#expel(order.name, now), { name: order.name });
      case "Erase":
        return this.#log(ask, order, this.#erase(now));
      case "Messages":
      case "Names":
      case "Stats":
        this.#queries.push({ ask, order });
        return;
      default:
        order satisfies never;
    }
  }

  /** Writes what was redacted. Only inside `atomically`. */
  write(): void {
    for (const entry of this.#redacted.values()) this.#at.storage.log.replace(entry);
    this.#redacted.clear();
  }

  /** The answers of this turn, once it is stored. */
  takeResults(): AnsweredRequest[] {
    for (const { ask, order } of this.#queries) {
      const outcome = this.#tryQuery(order);
      if (outcome !== undefined) this.#addResult(ask, outcome);
    }
    const answers = this.#results;
    this.#queries = [];
    this.#results = [];
    return answers;
  }

  #log(
    ask: number,
    order: AdminRequest,
    outcome: AdminResult,
    whom: { readonly name?: PeerName; readonly seq?: Seq } = {},
  ): void {
    this.#addResult(ask, outcome);
    // A search that goes on is not done yet.
    if (outcome.type === "further") return;
    this.#at.notes.add({ event: "operator", order: order.type, outcome: outcome.type, ...whom });
  }

  #addResult(ask: number, outcome: AdminResult): void {
    this.#results.push({ requestId: ask, result: outcome });
  }

  #publish({ from, text, to, id, since }: Publication, now: number): AdminResult {
    const { storage, verbs } = this.#at;
    const names = verbs.unknown([from, ...(to ?? [])]);
    if (names.length > 0) return { type: "unknown", names };
    if (id !== undefined && since !== undefined) {
      const { first, head } = storage.log;
      // What is no longer kept, or belongs to another history, cannot be searched.
      if (since > head || addSeq(since, 1) < first) return { type: "void-since", first, head };
      const scan = storage.log.after(since, from);
      for (const some of [scan.entries, verbs.fresh()]) {
        for (const entry of some) {
          if (entry.from === from && entry.id === id) return published(entry, false);
        }
        if (scan.end < head) return { type: "further", since: scan.end };
      }
    }
    return published(verbs.append({ from, to, text, id }, now), true);
  }

  #redact(seq: Seq, now: number): AdminResult {
    const { storage, verbs, peers, outbox } = this.#at;
    const fresh = verbs.fresh();
    const index = fresh.findIndex((one) => one.seq === seq);
    const entry = fresh[index] ?? this.#redacted.get(seq) ?? storage.log.find(seq);
    if (entry === undefined) return { type: "no-entry" };
    if (entry.redacted) return { type: "done" };
    if (index >= 0) {
      // Nobody has seen it yet.
      fresh[index] = redact(entry);
      return { type: "done" };
    }
    this.#redacted.set(seq, redact(entry));
    const out = { type: "redacted", seq, from: entry.from } as const;
    for (const peer of peers.values()) {
      if (mayRead(peer, entry)) outbox.stageEphemeral(peer, out, FRAME_OVERHEAD, now);
    }
    return { type: "done" };
  }

  #expel(name: PeerName, now: number): AdminResult {
    const { peers, presence, storage, verbs } = this.#at;
    if (verbs.unknown([name]).length > 0) return { type: "unknown", names: [name] };
    const peer = peers.get(name);
    if (peer !== undefined) {
      const reason = "an operator removed you, and the room forgot your name";
      verbs.end(peer, CLOSE.REMOVED, reason, now);
    }
    presence.dismissed(name, now);
    storage.directory.forget(name);
    return { type: "done" };
  }

  #erase(now: number): AdminResult {
    const { peers, verbs } = this.#at;
    // A copy: each goes by the one removal.
    for (const peer of Array.from(peers.values())) {
      const reason = "an operator closed this room, and erased what was in it";
      verbs.end(peer, CLOSE.ROOM_CLOSED, reason, now);
    }
    this.#isErasing = true;
    return { type: "done" };
  }

  /** What cannot be read is the operator's trouble, not that of those who spoke in the same turn. */
  #tryQuery(order: AdminRequest): AdminResult | undefined {
    try {
      return this.#query(order);
    } catch (error) {
      return this.#trouble(error);
    }
  }

  #trouble(error: unknown): AdminResult {
    this.#at.notes.add({ event: "storage-trouble", error: String(error) });
    return { type: "trouble" };
  }

  #query(order: AdminRequest): AdminResult | undefined {
    switch (order.type) {
      case "Messages":
        return this.#messages(order);
      case "Names":
        return this.#names(order);
      case "Stats":
        return { type: "stats", facts: this.#facts() };
      default:
        return undefined;
    }
  }

  #messages({ since, limit, bytes }: Extract<AdminRequest, { type: "Messages" }>): AdminResult {
    const { log } = this.#at.storage;
    const frames: string[] = [];
    let room = bytes;
    let end = since;
    let isFull = false;
    const scan = log.after(since);
    for (const entry of scan.entries) {
      isFull = frames.length === limit || (frames.length > 0 && entry.bytes > room);
      if (isFull) break;
      frames.push(entry.frame);
      room -= entry.bytes;
      end = entry.seq;
    }
    if (!isFull) end = maxSeq(end, scan.end);
    return { type: "messages", frames, end, first: log.first, head: log.head };
  }

  #names({ after, limit }: Extract<AdminRequest, { type: "Names" }>): AdminResult {
    const { storage, peers, presence, pump } = this.#at;
    const { directory, log } = storage;
    const found = directory.page(after, limit + 1);
    const floor = maxSeq(addSeq(log.head, -SCAN_ENTRIES), addSeq(log.first, -1));
    const counted = found.slice(0, limit).flatMap((name) => {
      const known = directory.find(name);
      if (known === undefined) return [];
      const peer = peers.get(name);
      const cursor = peer === undefined ? known.cursor : pump.cursorOf(peer);
      const have = maxSeq(cursor, known.birth);
      return [{ name, cursor, have, seen: known.seen, waiting: 0 }];
    });
    this.#count(counted, floor);
    const names = counted.map(({ name, cursor, have, seen, waiting }): NameFacts => {
      const online = presence.isOnline(name);
      return { name, online, cursor, waiting, more: have < floor, seen };
    });
    const next = found.length > limit ? names.at(-1)?.name : undefined;
    return { type: "names", names, ...(next !== undefined && { next }) };
  }

  /** One scan of the end of the log, for a page of names. */
  #count(counted: { name: PeerName; have: Seq; waiting: number }[], floor: Seq): void {
    const { log } = this.#at.storage;
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
    const { peers, presence, storage, verbs } = this.#at;
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
      refusals: verbs.refusals(),
    };
  }
}

const published = ({ frame }: Entry, isNew: boolean): AdminResult => ({
  type: "published",
  frame,
  isNew,
});

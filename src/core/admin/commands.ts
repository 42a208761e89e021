/**
 * The operator's part of the broker: requests taken in arrival order with everything else, answered once they are stored.
 *
 * Invariants:
 * - R3: a result leaves with the frames of its turn, after the commit; queries are answered then, too.
 * - R2: a peer that is expelled, or whose room is erased, leaves by the one release (membership/leave.ts).
 * - R8: a search for an `id` reads a bounded stretch of the log a turn; the caller goes on from where it ended.
 */
import type { AdminRequest, AdminResult, Publication, RoomFacts } from "../../protocol/admin.ts";
import { addSeq, type PeerName, type Seq } from "../../protocol/ids.ts";
import { REMOVED, ROOM_CLOSED } from "../close-frames.ts";
import { unknownNames } from "../commands/send.ts";
import type { RoomContext } from "../context.ts";
import { FRAME_OVERHEAD } from "../delivery/turn-output.ts";
import { type Entry, redact } from "../entry.ts";
import { closePeer } from "../membership/leave.ts";
import { mayRead } from "../peers/peers.ts";
import { AdminQueries } from "./queries.ts";

export interface AnsweredRequest {
  readonly requestId: number;
  readonly result: AdminResult;
}

export class AdminHandler {
  readonly #context: RoomContext;
  readonly #reader: AdminQueries;
  readonly #redacted = new Map<Seq, Entry>();
  #isErasing = false;
  /** Requests that only read: answered after the commit. */
  #queries: { readonly requestId: number; readonly request: AdminRequest }[] = [];
  #results: AnsweredRequest[] = [];

  constructor(context: RoomContext, refusals: () => RoomFacts["refusals"]) {
    this.#context = context;
    this.#reader = new AdminQueries(context, refusals);
  }

  /** Entries of the log wait for their new text. */
  get isChanged(): boolean {
    return this.#redacted.size > 0;
  }

  /** The storage goes with the commit of this turn, and the broker with it. */
  get isErasing(): boolean {
    return this.#isErasing;
  }

  handle(requestId: number, request: AdminRequest, now: number): void {
    try {
      this.#execute(requestId, request, now);
    } catch (error) {
      // The other requests read before they change anything. An erasure that failed half-way cannot go on.
      if (request.type === "Erase") throw error;
      this.#log(requestId, request, this.#storageFailed(error));
    }
  }

  #execute(requestId: number, request: AdminRequest, now: number): void {
    switch (request.type) {
      case "Publish": {
        const result = this.#publish(request, now);
        return this.#log(requestId, request, result, { name: request.from });
      }
      case "Redact": {
        const result = this.#redact(request.seq, now);
        return this.#log(requestId, request, result, { seq: request.seq });
      }
      case "Expel": {
        const result = this.#expel(request.name, now);
        return this.#log(requestId, request, result, { name: request.name });
      }
      case "Erase":
        return this.#log(requestId, request, this.#erase(now));
      case "Messages":
      case "Names":
      case "Stats":
        this.#queries.push({ requestId, request });
        return;
      default:
        request satisfies never;
    }
  }

  /** Writes the entries that were redacted. Only inside `transaction`. */
  write(): void {
    for (const entry of this.#redacted.values()) this.#context.storage.log.replace(entry);
    this.#redacted.clear();
  }

  /** Returns the results of this turn. Call it once the turn is stored. */
  takeResults(): AnsweredRequest[] {
    for (const { requestId, request } of this.#queries) {
      const result = this.#tryQuery(request);
      if (result !== undefined) this.#results.push({ requestId, result });
    }
    const results = this.#results;
    this.#queries = [];
    this.#results = [];
    return results;
  }

  #log(
    requestId: number,
    request: AdminRequest,
    result: AdminResult,
    whom: { readonly name?: PeerName; readonly seq?: Seq } = {},
  ): void {
    this.#results.push({ requestId, result });
    // A search that goes on is not done yet.
    if (result.type === "further") return;
    const { audit } = this.#context;
    audit.add({ event: "operator", order: request.type, outcome: result.type, ...whom });
  }

  #publish({ from, text, to, id, since }: Publication, now: number): AdminResult {
    const { storage, entries } = this.#context;
    const names = unknownNames(this.#context, [from, ...(to ?? [])]);
    if (names.length > 0) return { type: "unknown", names };
    if (id !== undefined && since !== undefined) {
      const { first, head } = storage.log;
      // Entries that are no longer kept, or belong to another history, cannot be searched.
      if (since > head || addSeq(since, 1) < first) return { type: "void-since", first, head };
      const scan = storage.log.after(since, from);
      for (const some of [scan.entries, entries.all]) {
        for (const entry of some) {
          if (entry.from === from && entry.id === id) return published(entry, false);
        }
        if (scan.end < head) return { type: "further", since: scan.end };
      }
    }
    return published(entries.add(entries.encode({ from, to, text, id }, now)), true);
  }

  #redact(seq: Seq, now: number): AdminResult {
    const { storage, entries, peers, output } = this.#context;
    const fresh = entries.all;
    const index = fresh.findIndex((one) => one.seq === seq);
    const entry = fresh[index] ?? this.#redacted.get(seq) ?? storage.log.find(seq);
    if (entry === undefined) return { type: "no-entry" };
    if (entry.redacted) return { type: "done" };
    if (index >= 0) {
      // No peer has seen it yet.
      fresh[index] = redact(entry);
      return { type: "done" };
    }
    this.#redacted.set(seq, redact(entry));
    const message = { type: "redacted", seq, from: entry.from } as const;
    for (const peer of peers.values()) {
      if (mayRead(peer, entry)) output.stageEphemeral(peer, message, FRAME_OVERHEAD, now);
    }
    return { type: "done" };
  }

  #expel(name: PeerName, now: number): AdminResult {
    const { peers, presence, storage } = this.#context;
    if (unknownNames(this.#context, [name]).length > 0) return { type: "unknown", names: [name] };
    const peer = peers.get(name);
    if (peer !== undefined) closePeer(this.#context, peer, REMOVED, now);
    presence.dismissed(name, now);
    storage.directory.forget(name);
    return { type: "done" };
  }

  #erase(now: number): AdminResult {
    // A copy: each release takes a peer out of the map.
    for (const peer of Array.from(this.#context.peers.values())) {
      closePeer(this.#context, peer, ROOM_CLOSED, now);
    }
    this.#isErasing = true;
    return { type: "done" };
  }

  /** A row that cannot be read fails the query, and not the peers whose messages are in the same turn. */
  #tryQuery(request: AdminRequest): AdminResult | undefined {
    try {
      return this.#reader.answer(request);
    } catch (error) {
      return this.#storageFailed(error);
    }
  }

  #storageFailed(error: unknown): AdminResult {
    this.#context.audit.add({ event: "storage-trouble", error: String(error) });
    return { type: "trouble" };
  }
}

const published = ({ frame }: Entry, isNew: boolean): AdminResult => ({
  type: "published",
  frame,
  isNew,
});

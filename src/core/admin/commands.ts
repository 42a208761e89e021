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
import { addPatch, makePatch, previousOf } from "../commands/patch.ts";
import { unknownNames } from "../commands/send.ts";
import type { RoomContext } from "../context.ts";
import { encodeEntry, type Entry, type Message, type Patch } from "../entry.ts";
import { closePeer } from "../membership/leave.ts";
import { AdminQueries } from "./queries.ts";

export interface AnsweredRequest {
  readonly requestId: number;
  readonly result: AdminResult;
}

export class AdminHandler {
  readonly #context: RoomContext;
  readonly #reader: AdminQueries;
  #isErasing = false;
  /** Requests that only read: answered after the commit. */
  #queries: { readonly requestId: number; readonly request: AdminRequest }[] = [];
  #results: AnsweredRequest[] = [];

  constructor(context: RoomContext, refusals: () => RoomFacts["refusals"]) {
    this.#context = context;
    this.#reader = new AdminQueries(context, refusals);
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
      case "EraseEntry": {
        const result = this.#eraseEntry(request.seq, now);
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

  #publish({ id, since, ...message }: Publication, now: number): AdminResult {
    const { from, to, ref } = message;
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
          const isMessage = entry.type === "message" && entry.from === from;
          if (isMessage && entry.id === id) return published(entry, false);
        }
        if (scan.end < head) return { type: "further", since: scan.end };
      }
    }
    if (ref !== undefined && ref > entries.head) return { type: "no-entry" };
    return published(entries.add(entries.encode({ ...message, id }, now)), true);
  }

  /** Erases the text and the data of an entry, by a patch: so that it reaches everyone who has a copy, or comes back. */
  #eraseEntry(seq: Seq, now: number): AdminResult {
    const { entries } = this.#context;
    const entry = entries.find(seq)?.entry;
    if (entry === undefined) return { type: "no-entry" };
    const target = entry.type === "patch" ? this.#targetOf(entry) : entry;
    // A patch whose row could not be read when its message was erased still has its contents.
    const isLeft = entry.type === "patch" && entry.patched === undefined && !entry.erase;
    if (target.erased && !isLeft) return { type: "done" };
    const previous = target.erased ? entry : previousOf(this.#context, target)?.entry;
    const erasure = { erase: true, by: "operator" } as const;
    addPatch(this.#context, makePatch(this.#context, target, previous, erasure, now));
    return { type: "done" };
  }

  /** Returns the message that `patch` changes; where that is no longer kept, what is known of it. */
  #targetOf(patch: Patch): Message {
    const { entries } = this.#context;
    const kept = entries.find(patch.ref)?.entry;
    if (kept?.type === "message") return kept;
    let last = patch;
    while (last.patched !== undefined) {
      const next = entries.find(last.patched)?.entry;
      if (next?.type !== "patch") break;
      last = next;
    }
    const { ref: seq, from, to, at, quiet, seq: patched, erase: erased } = last;
    return encodeEntry({ type: "message", seq, from, to, text: "", at, quiet, patched, erased });
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

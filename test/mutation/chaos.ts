/**
 * Mutants for chaos: bugs of the room and of the client. A short run must find each of them, and report a violation of
 * an expected rule. They show that chaos is strict enough.
 */
import type { Edit } from "./list.ts";
import type { Rule } from "../chaos/history.ts";

export interface ChaosMutant {
  readonly name: string;
  readonly edits: readonly Edit[];
  /** One of these must be reported as violated. */
  readonly rules: readonly Rule[];
  /** It is visible only with a short log. */
  readonly needsShortLog?: true;
}

const one = (file: string, find: string, put: string): Edit[] => [{ file, find, put }];

/** The filter by text in front of the check of an entry: with it, few entries of others reach a weakened check. */
const UNFILTERED = one(
  "src/core/entry.ts",
  '  !IS_ADDRESSED.test(frame) || frame.includes(`"${name}"`);',
  "  true;",
);

/**
 * Keeps a connection that the room ended known by its socket. By itself this changes nothing, because the core checks
 * again; it makes a missing check of the core visible from outside.
 */
const STILL_KNOWN: Edit = {
  file: "src/durable-object/connections.ts",
  find: "    this.detach(ws);\n    this.closeStale(ws, { code, reason });",
  put: "    this.closeStale(ws, { code, reason });",
};

const ROOM: readonly ChaosMutant[] = [
  {
    name: "removal by name",
    edits: [
      STILL_KNOWN,
      {
        file: "src/core/peers/peers.ts",
        find: "if (peer?.link.id !== id) return undefined;",
        put: "if (peer === undefined) return undefined;",
      },
    ],
    rules: ["R2"],
  },
  {
    name: "a replaced connection can still send",
    edits: [
      STILL_KNOWN,
      {
        file: "src/core/peers/peers.ts",
        find: "return peer?.link.id === link.id ? peer : undefined;",
        put: "return peer;",
      },
    ],
    rules: ["R4", "R5"],
  },
  {
    name: "an overtaken handshake wins",
    edits: one(
      "src/core/membership/join.ts",
      "session.attempt <= rival.attempt",
      "session.attempt < 0",
    ),
    rules: ["R1"],
  },
  {
    name: "key ignored",
    edits: one(
      "src/core/membership/join.ts",
      "record !== undefined && !timingSafeEqual(owner, record.owner)",
      "false",
    ),
    rules: ["R1"],
  },
  {
    name: "replay off by one",
    edits: one(
      "src/core/peers/peers.ts",
      "sent: snapshot.acked,",
      "sent: (snapshot.acked + 1) as Seq,",
    ),
    rules: ["R5"],
  },
  {
    name: "entries are sent before they are stored",
    edits: one(
      "src/store/segment-writer.ts",
      "  sql.run(\n    `INSERT INTO segments",
      "  ((...row: [string]) => void setTimeout(() => sql.run(...row), 700))(\n    `INSERT INTO segments",
    ),
    rules: ["R3"],
  },
  {
    name: "a restart reuses seqs",
    edits: one(
      "src/store/sqlite-log.ts",
      "ORDER BY last DESC LIMIT 1`);",
      "ORDER BY last DESC LIMIT 1 OFFSET 1`);",
    ),
    rules: ["R3", "R4"],
  },
  {
    name: "a peer receives other peers' messages",
    edits: one(
      "src/core/delivery/pump.ts",
      "entry.seq > peer.birth && concerns(entry, peer.link.name)",
      "entry.seq > peer.birth",
    ).concat(UNFILTERED),
    rules: ["R8"],
  },
  {
    name: "history includes other peers' messages",
    edits: one("src/core/peers/peers.ts", "concerns(entry, peer.link.name));", "true);").concat(
      UNFILTERED,
    ),
    rules: ["R8"],
  },
  {
    name: "the order within a turn is reversed",
    edits: one(
      "src/core/broker.ts",
      "for (const event of events) this.#handle(event, now);",
      "for (const event of [...events].reverse()) this.#handle(event, now);",
    ),
    rules: ["R4"],
  },
  {
    name: "unknown recipients are dropped silently",
    edits: one(
      "src/core/commands/send.ts",
      "if (unknown.length > 0) {",
      "if (unknown.length > 1) {",
    ),
    rules: ["R6"],
  },
  {
    name: "a gap is skipped silently",
    edits: one("src/core/delivery/pump.ts", "addSeq(start, 1) < first &&", "false &&"),
    rules: ["R5", "R6"],
    needsShortLog: true,
  },
  {
    name: "a bad frame throws",
    edits: one(
      "src/core/commands/execute.ts",
      "return refuse(context, peer, command.refusal);",
      "throw new Error(command.refusal.code);",
    ),
    rules: ["R7"],
  },
  {
    name: "an ack opens no window",
    edits: one(
      "src/core/delivery/pump.ts",
      "advance(peer, seq);\n      this.schedule(peer);",
      "advance(peer, seq);",
    ),
    rules: ["R11"],
  },
  {
    name: "a patch does not change the log",
    edits: one("src/store/sqlite-log.ts", "changed.length > 0 ? this.#change(changed) : 0", "0"),
    rules: ["R3", "R5"],
  },
  {
    name: "a replay reads a changed row as it was",
    edits: one(
      "src/store/sqlite-log.ts",
      "      this.#drop((other) => other.last === segment.last);\n",
      "",
    ),
    rules: ["R3", "R5", "R8"],
  },
  {
    name: "a patch is lost in the replay",
    edits: one(
      "src/store/segment-writer.ts",
      "    const { seq, from, to } = entry;\n",
      '    const { seq, from, to } = entry;\n    if (entry.type === "patch") continue;\n',
    ),
    rules: ["R5"],
  },
  {
    name: "a superseded patch keeps its contents",
    edits: one(
      "src/core/commands/patch.ts",
      "isSuperseded ? [folded, supersede(previous, patch.seq)] : [folded]",
      "[folded]",
    ),
    rules: ["R8"],
  },
  {
    name: "a partial patch carries nothing of the one whose place it takes",
    edits: one(
      "src/core/commands/patch.ts",
      "isSuperseded ? combine(previous, change) : change",
      "change",
    ),
    rules: ["R5"],
  },
  {
    name: "a patch reaches everybody",
    edits: one("src/core/patch.ts", "if (to === undefined) return undefined;", "return undefined;"),
    rules: ["R8"],
  },
  {
    name: "an erasure by the operator does not reach the author",
    edits: one("src/core/patch.ts", "by === undefined ? to : new Set([from, ...to])", "to"),
    rules: ["R5"],
  },
  {
    name: "anybody changes anything",
    edits: one("src/core/commands/patch.ts", "entry.from !== peer.link.name", "false"),
    rules: ["R8"],
  },
  {
    name: "an erased message can be changed",
    edits: one("src/core/commands/patch.ts", "if (entry.erased)", "if (false)"),
    rules: ["R3", "R5"],
  },
];

const CLIENT: readonly ChaosMutant[] = [
  {
    name: "client: the cursor is not saved",
    edits: one(
      "src/client/record-store.ts",
      "await this.#storage.save(record);",
      "await this.#storage.save({ ...record, cursor: this.#saved?.cursor ?? 0 });",
    ),
    rules: ["R5"],
  },
  {
    name: "client: acks and messages are sent before the save",
    edits: one(
      "src/client/rounds.ts",
      "      await context.store.save();\n      if (socket !== undefined && connection.socket === socket) this.#sendBatch(batch);",
      "      if (socket !== undefined && connection.socket === socket) this.#sendBatch(batch);\n      await context.store.save();",
    ),
    rules: ["R5"],
  },
  {
    name: "client: no since in the reconnect",
    edits: one(
      "src/client/options.ts",
      "if (from !== undefined && epoch !== undefined) {",
      "if (false) {",
    ),
    rules: ["R5"],
  },
  {
    name: "client: no resend",
    edits: one(
      "src/client/session.ts",
      "!queued.unknown && !handed.has(queued.id)",
      "!queued.unknown && !queued.sent && !handed.has(queued.id)",
    ),
    rules: ["R5", "R11"],
  },
  {
    name: "client: each send has another id",
    edits: one(
      "src/client/send-queue.ts",
      '{ type: "send", id, text,',
      '{ type: "send", id: id + Math.random(), text,',
    ),
    rules: ["R5"],
  },
  {
    name: "client: all messages have one id",
    edits: one(
      "src/client/outgoing.ts",
      "this.#itemOf(randomToken(96), content)",
      'this.#itemOf("same", content)',
    ),
    rules: ["R5"],
  },
  {
    name: "client: resends in another order",
    edits: one(
      "src/client/session.ts",
      "return next.slice(0, Math.max(0, count));",
      "return next.reverse().slice(0, Math.max(0, count));",
    ),
    rules: ["R4", "R5"],
  },
  {
    name: "client: a gap is not reported",
    edits: one(
      "src/client/session.ts",
      "if (gap.to <= cursor) return nothing(record);",
      "if (gap.to > 0) return nothing(record);",
    ),
    rules: ["R5", "R6"],
    needsShortLog: true,
  },
  {
    name: "client: a patch that was replayed is not delivered",
    edits: one(
      "src/client/incoming.ts",
      '    if (emitter.has("patch")) this.#emitPatch(patch);',
      '    if (emitter.has("patch") && this.#connection.state.type === "live") this.#emitPatch(patch);',
    ),
    rules: ["R5"],
  },
  {
    name: "client: each change has another id",
    edits: one(
      "src/client/send-queue.ts",
      '{ type: "patch", id, ref,',
      '{ type: "patch", id: id + Math.random(), ref,',
    ),
    rules: ["R5", "R8"],
  },
  {
    name: "client: a change keeps its old place in the model",
    edits: one(
      "src/model/folded-entry.ts",
      "seq > (this.#last?.seq ?? 0)",
      "this.#last === undefined",
    ),
    rules: ["R5"],
  },
  {
    name: "client: a closed client still listens to its page",
    edits: one("src/client/lifetime.ts", "    this.#stopListening();\n", ""),
    rules: ["R8"],
  },
];

export const CHAOS_MUTANTS: readonly ChaosMutant[] = [...ROOM, ...CLIENT];

/**
 * The mutants: small changes of the code, each of which must make its named test fail. A rule without a mutant that is
 * killed is a rule without a test.
 */
export interface Edit {
  readonly file: string;
  /** Occurs exactly once in the file; otherwise the mutant is stale, which is an error. */
  readonly find: string;
  readonly put: string;
}

export interface Mutant {
  readonly name: string;
  readonly edits: readonly Edit[];
  /** The vitest project and file, and the beginning of the title of the test that must fail. */
  readonly project: "unit" | "workerd" | "model-check" | "e2e";
  readonly file: string;
  readonly test: string;
}

const RULES = { project: "unit", file: "test/unit/core/rules.test.ts" } as const;
const SHARE = { project: "unit", file: "test/unit/core/log-quota.test.ts" } as const;
const EXPIRY = { project: "unit", file: "test/unit/core/expiry.test.ts" } as const;
const WAKE = { project: "workerd", file: "test/workerd/wake.test.ts" } as const;

const COUNTED = { project: "workerd", file: "test/workerd/counted.test.ts" } as const;
const COUNTED_LOADS = { project: "workerd", file: "test/workerd/counted-loads.test.ts" } as const;
const READY = { project: "unit", file: "test/unit/core/ready.test.ts" } as const;
const TOKEN = { project: "workerd", file: "test/workerd/jwt.test.ts" } as const;
const STORAGE = { project: "unit", file: "test/unit/client/storage.test.ts" } as const;
const PROOF = { project: "unit", file: "test/unit/core/proof.test.ts" } as const;
const TIME = { project: "unit", file: "test/unit/security/time.test.ts" } as const;
const HOSTILE_LINE = { project: "unit", file: "test/unit/codec/hostile-line.test.ts" } as const;
const LIMITS = { project: "unit", file: "test/unit/config/limits.test.ts" } as const;
const KEY_SET = { project: "workerd", file: "test/workerd/jwks.test.ts" } as const;
const DOOR = { project: "workerd", file: "test/workerd/handshake.test.ts" } as const;

const SIGNALS = { project: "unit", file: "test/unit/security/signals.test.ts" } as const;
const VERSIONS = { project: "workerd", file: "test/workerd/versions.test.ts" } as const;
const MODEL = { project: "workerd", file: "test/workerd/model.test.ts" } as const;
const OPERATOR = { project: "unit", file: "test/unit/core/admin.test.ts" } as const;
const OPERATED = { project: "workerd", file: "test/workerd/admin.test.ts" } as const;
const PAGE_LOG = { project: "unit", file: "test/unit/apps/page/log.test.ts" } as const;
const PAGE_CONTENTS = { project: "unit", file: "test/unit/apps/page/contents.test.ts" } as const;
const ANY_ORDER = { project: "unit", file: "test/unit/model/any-order.test.ts" } as const;
const ROOM_MODEL = { project: "unit", file: "test/unit/model/room-model.test.ts" } as const;
const PAGE_MEMORY = { project: "unit", file: "test/unit/apps/page/preferences.test.ts" } as const;
const PAGE_PEOPLE = { project: "unit", file: "test/unit/apps/page/roster.test.ts" } as const;
const UNREAD = { project: "unit", file: "test/unit/core/corruption.test.ts" } as const;
const DAMAGE = { project: "workerd", file: "test/workerd/corruption.test.ts" } as const;
const FILE_STORAGE = { project: "unit", file: "test/unit/client/file-storage.test.ts" } as const;
const FILE_DURABLE = { project: "unit", file: "test/unit/client/file-durable.test.ts" } as const;
const FILE_LOCK = { project: "unit", file: "test/unit/client/file-lock.test.ts" } as const;
const COMMANDS_OF_TERMINAL = {
  project: "e2e",
  file: "test/e2e/terminal/commands.test.ts",
} as const;
const TERMINAL = { project: "e2e", file: "test/e2e/terminal/lines.test.ts" } as const;
const PARTIAL = { project: "unit", file: "test/unit/core/partial-patches.test.ts" } as const;
const EDGES = { project: "unit", file: "test/unit/core/patch-edges.test.ts" } as const;
const PATCHES = { project: "unit", file: "test/unit/core/patches.test.ts" } as const;
const PATCHED_FOR = { project: "unit", file: "test/unit/core/patch-audience.test.ts" } as const;
const PATCH_COSTS = { project: "unit", file: "test/unit/core/patch-costs.test.ts" } as const;
const ROWS = { project: "workerd", file: "test/workerd/changed-rows.test.ts" } as const;
const SQLITE = { project: "workerd", file: "test/workerd/sqlite-storage.test.ts" } as const;
const OPERATED_PATCHES = { project: "workerd", file: "test/workerd/patches.test.ts" } as const;
const one = (file: string, find: string, put: string): Edit[] => [{ file, find, put }];

export const MUTANTS: readonly Mutant[] = [
  {
    name: "a partial patch carries nothing of the one whose place it takes",
    edits: one(
      "src/core/commands/patch.ts",
      "isSuperseded ? combine(previous, change) : change",
      "change",
    ),
    ...PARTIAL,
    test: "R5 the last of several partial patches",
  },
  {
    name: "an erasure carries what was erased",
    edits: one(
      "src/core/patch.ts",
      "erase ? { erase } : { text: text ?? previous.text, data: data ?? previous.data };",
      "({ erase, text: text ?? previous.text, data: data ?? previous.data });",
    ),
    ...PARTIAL,
    test: "an erasure carries nothing",
  },
  {
    name: "PATCH_HOURS 0 lets an author edit at once",
    edits: one(
      "src/core/commands/patch.ts",
      "now - entry.at >= limits.patchHours * HOUR",
      "now - entry.at > limits.patchHours * HOUR",
    ),
    ...EDGES,
    test: "with PATCH_HOURS 0",
  },
  {
    name: "the erasure of what is no longer kept forgets that it was quiet",
    edits: one(
      "src/core/admin/commands.ts",
      'text: "", at, quiet, patched, erased',
      'text: "", at, patched, erased',
    ),
    ...EDGES,
    test: "the erasure of a quiet message",
  },
  {
    name: "a name is normalised before its length is checked",
    edits: one("src/protocol/ids.ts", "if (text.length > NAME_UNITS) return undefined;", ""),
    ...TIME,
    test: "R7 no frame costs more than its length justifies names that",
  },
  {
    name: "a recipient is normalised before its length is checked",
    edits: one("src/protocol/frames.ts", "v.check((text) => text.length <= NAME_UNITS),", ""),
    ...TIME,
    test: "R7 no frame costs more than its length justifies chat.v1",
  },
  {
    name: "the bound before normalising refuses decomposed names",
    edits: one(
      "src/protocol/ids.ts",
      "export const NAME_UNITS = 128;",
      "export const NAME_UNITS = 32;",
    ),
    ...TIME,
    test: "the bound before normalising rejects",
  },
  {
    name: "full-width colons are not read",
    edits: one("src/protocol/line-syntax.ts", "COLON = /[:：]/;", "COLON = /:/;"),
    ...HOSTILE_LINE,
    test: "R7 colons and texts a full-width colon",
  },
  {
    name: "repeated names count towards the limit",
    edits: one(
      "src/codec/validation.ts",
      "return to.length <= recipients ? to : [...new Set(to)];",
      "return to;",
    ),
    ...HOSTILE_LINE,
    test: "R7 names 64, each twice",
  },
  {
    name: "more peers than names are configured",
    edits: one("src/config/limits.ts", "if (read.online > read.names) {", "if (false) {"),
    ...LIMITS,
    test: "an operator's vars more peers than names",
  },
  {
    name: "spread does not grow with a very large room",
    edits: one("src/core/membership/join.ts", "Math.max(1, online / SPREAD_PEERS)", "1"),
    ...LIMITS,
    test: "a first reconnect is spread: more",
  },
  {
    name: "each token fetches the keys for itself",
    edits: one("src/http/auth/jwks.ts", "while (this.#isBusy()) {", "while (false) {"),
    ...KEY_SET,
    test: "when the keys are fetched 200 tokens",
  },
  {
    name: "a token that names no key is tried with one",
    edits: one(
      "src/http/auth/jwt.ts",
      "if (!(error instanceof JWKSMultipleMatchingKeys)) throw error;",
      "throw error;",
    ),
    ...KEY_SET,
    test: "a token that names no key is tried with each key",
  },
  {
    name: "a malformed order is not checked",
    edits: one(
      "src/durable-object/rpc-validation.ts",
      "if (result.success) {",
      "return given as AdminRequest;\n  if (result.success) {",
    ),
    ...OPERATED,
    test: "a malformed request is an error at once",
  },
  {
    name: "a patch with contents of an erased message cannot be erased",
    edits: one(
      "src/core/admin/commands.ts",
      "if (target.erased && !isLeft) return",
      "if (target.erased) return",
    ),
    project: "unit",
    file: "test/unit/core/corruption.test.ts",
    test: "can be erased after the repair",
  },
  {
    name: "an order may publish more than a row holds",
    edits: one(
      "src/durable-object/rpc-validation.ts",
      "faultInContents(request, limits) : undefined",
      "undefined : undefined",
    ),
    ...OPERATED,
    test: "a text that no row holds",
  },
  {
    name: "an order may publish what is no JSON object",
    edits: one(
      "src/durable-object/rpc-validation.ts",
      "JSON.parse(JSON.stringify(value)) as unknown",
      "value as unknown",
    ),
    ...OPERATED,
    test: "a date as data",
  },
  {
    name: "page: after a restore, a failed change is made at another message",
    edits: one(
      "src/apps/page/failed-messages.ts",
      "one.unsent.ref === undefined",
      "one.unsent.ref !== undefined",
    ),
    project: "unit",
    file: "test/unit/apps/page/failed-messages.test.ts",
    test: "the same seqs are other messages",
  },
  {
    name: "browser: a former owner of the record still writes it",
    edits: one(
      "src/client/storage/browser.ts",
      "if (now?.owner === owner) return",
      "if (now !== undefined) return",
    ),
    ...STORAGE,
    test: "a browser a tab that is no longer the owner overwrites nothing",
  },
  {
    name: "browser: the record of an earlier release is not migrated",
    edits: one(
      "src/client/storage/browser.ts",
      "const record = before?.record ?? earlier;",
      "const record = before?.record;",
    ),
    ...STORAGE,
    test: "a browser the record of an earlier release",
  },
  {
    name: "browser: the record of an earlier release is migrated twice",
    edits: one(
      "src/client/storage/browser.ts",
      "const record = before?.record ?? earlier;",
      "const record = earlier ?? before?.record;",
    ),
    ...STORAGE,
    test: "a browser the record of an earlier release",
  },
  {
    name: "an ack counts beyond a mark that was not returned",
    edits: one(
      "src/core/delivery/proof.ts",
      "seq <= oldest.seq ? seq : oldest.seq;",
      "true ? seq : oldest.seq;",
    ),
    ...PROOF,
    test: "R8: an ack without the k",
  },
  {
    name: "any k returns the marks",
    edits: one("src/core/delivery/proof.ts", "if (index === -1) return false;", ""),
    ...PROOF,
    test: "R8: a k that was never sent",
  },
  {
    name: "no mark is sent",
    edits: one("src/core/delivery/proof.ts", "if (peer.tail >= this.#stretch) return true;", ""),
    ...PROOF,
    test: "R8: after each stretch a mark comes",
  },
  {
    name: "unproven bytes have no bound",
    edits: one(
      "src/core/delivery/proof.ts",
      "return unproven < most && this.#state.unproven < UNPROVEN_ROOM_BYTES;",
      "return true;",
    ),
    ...PROOF,
    test: "R8: answers that nobody reads",
  },
  {
    name: "signals still go to a peer that proves nothing",
    edits: one(
      "src/core/delivery/turn-output.ts",
      "if (!this.#proof.maySpare(peer)) return false;",
      "",
    ),
    ...PROOF,
    test: "R8: signals that nobody reads are dropped",
  },
  {
    name: "lines count as read",
    edits: one("src/core/delivery/proof.ts", "this.#state.unprovenLines += bytes;", ""),
    ...PROOF,
    test: "R8: beyond the room's bound the lines that owe most end",
  },
  {
    name: "a crowd gets marks no sooner than a single reader",
    edits: one(
      "src/core/delivery/proof.ts",
      "return peer.marks.length === 0 && this.#state.unproven > UNPROVEN_PRESSURE_BYTES;",
      "return false;",
    ),
    ...PROOF,
    test: "a crowd R8: a thousand peers that ack",
  },
  {
    name: "the peers with the fewest unproven bytes are closed",
    edits: one(
      "src/core/delivery/proof.ts",
      "other.unproven - one.unproven",
      "one.unproven - other.unproven",
    ),
    ...PROOF,
    test: "R8: beyond the room's bound the lines that owe most end",
  },
  {
    name: "a hibernating room forgets unproven bytes",
    edits: one("src/core/peers/peers.ts", "  tail: snapshot.tail,", "  tail: 0,"),
    ...PROOF,
    test: "R8: a room that wakes restores what",
  },
  {
    name: "a mark that is never returned does not stall a peer",
    edits: one(
      "src/core/membership/timeouts.ts",
      "if (countInFlight(peer.flight) === 0 && peer.marks.length === 0) continue;",
      "if (countInFlight(peer.flight) === 0) continue;",
    ),
    ...PROOF,
    test: "R8: a mark that is not shown for 90",
  },
  {
    name: "a returned mark does not schedule pending entries",
    edits: one(
      "src/core/commands/ack.ts",
      "    pump.schedule(peer);\n  }\n  const counted",
      "  }\n  const counted",
    ),
    project: "model-check",
    file: "test/model-check/scopes.test.ts",
    test: "marks and nothing more",
  },
  {
    name: "removal by name",
    edits: one("src/core/peers/peers.ts", "if (peer?.link.id !== id) return undefined;", ""),
    ...RULES,
    test: "R2: the late failure of an older connection",
  },
  {
    name: "no fence",
    edits: one(
      "src/core/peers/peers.ts",
      "return peer?.link.id === link.id ? peer : undefined;",
      "return peer;",
    ),
    ...RULES,
    test: "R2: a replaced connection's messages",
  },
  {
    name: "the fence is checked on arrival, not in the turn",
    edits: [
      {
        file: "src/durable-object/events.ts",
        find: "if (info === undefined || broker.peers.current(info.link) === undefined) break;",
        put: "if (info === undefined) break;",
      },
      {
        file: "src/durable-object/chat-room.ts",
        find: "const begins = !this.#inbox.isTurnPending;",
        put: "if (this.#connections.find(ws) === undefined) return undefined;\n    const begins = !this.#inbox.isTurnPending;",
      },
      {
        file: "src/core/broker.ts",
        find: "const peer = peers.current(event.link);\n        if (peer === undefined) return;\n        peer.lastHeardAt",
        put: "const peer = peers.get(event.link.name);\n        if (peer === undefined) return;\n        peer.lastHeardAt",
      },
    ],
    ...WAKE,
    test: "R2: a connection's messages behind its successor's join",
  },
  {
    name: "an overtaken handshake wins a tie",
    edits: one(
      "src/core/membership/join.ts",
      "session.attempt <= rival.attempt",
      "session.attempt < rival.attempt",
    ),
    ...RULES,
    test: "R1: an overtaken handshake is refused",
  },
  {
    name: "key ignored",
    edits: one(
      "src/core/membership/join.ts",
      "record !== undefined && !timingSafeEqual(owner, record.owner)",
      "false",
    ),
    ...RULES,
    test: "R1: a name belongs to the first key",
  },
  {
    name: "a wake restores a superseded socket",
    edits: one("src/durable-object/connections.ts", "else if (!attachment.over) {", "else {"),
    ...WAKE,
    test: "R2: a superseded socket does not come back by a wake",
  },
  {
    name: "connection id used again",
    edits: [
      { file: "src/protocol/ids.ts", find: "Math.max(now, floor)", put: "floor" },
      { file: "src/protocol/ids.ts", find: "(chance >>> 0)", put: "(0 * chance)" },
    ],
    ...RULES,
    test: "R2: connection ids are not reused",
  },
  {
    name: "a wake keeps the older of two sockets",
    edits: one(
      "src/core/state.ts",
      "other.link.id > snapshot.link.id",
      "other.link.id < snapshot.link.id",
    ),
    ...RULES,
    test: "R2: of two sockets that both claim",
  },
  {
    name: "frames are sent before the insert",
    edits: one(
      "src/core/broker.ts",
      "this.#commit(now);\n    this.deliver(now);",
      "this.deliver(now);\n    this.#commit(now);",
    ),
    ...RULES,
    test: "R3: a turn whose commit fails sends nothing to anyone",
  },
  {
    name: "disconnects are handled first",
    edits: one(
      "src/core/broker.ts",
      "for (const event of events) this.#handle(event, now);",
      'for (const event of [...events].sort((a) => (a.type === "Disconnect" ? -1 : 0))) this.#handle(event, now);',
    ),
    ...RULES,
    test: "R4: the last messages before a goodbye arrive",
  },
  {
    name: "replies are sent after entries",
    edits: [
      {
        file: "src/core/delivery/pump.ts",
        find: " || peer.pendingReplies.length > 0) {",
        put: ") {",
      },
      {
        file: "src/core/delivery/pump.ts",
        find: "if (peer !== undefined) left -= this.sendReplies(peer, build, now, left);",
        put: "",
      },
      {
        file: "src/core/delivery/pump.ts",
        find: "this.#state.served = this.#log.head;\n",
        put: "for (const peer of this.#peers.values()) this.sendReplies(peer, build, now);\nthis.#state.served = this.#log.head;\n",
      },
    ],
    ...RULES,
    test: "R4: a rejection does not come after",
  },
  {
    name: "jump to head",
    edits: one(
      "src/core/delivery/pump.ts",
      "return cursorOf(peer, this.#state.served);",
      "return peer.flight.next === peer.flight.seqs.length ? this.#log.head : peer.acked;",
    ),
    ...RULES,
    test: "R5: with nothing in flight the cursor",
  },
  {
    name: "sent entries count as acknowledged",
    edits: one(
      "src/core/delivery/cursor.ts",
      "countInFlight(peer.flight) === 0 && !peer.sendFailed ? sentOf(peer, served) : peer.acked;",
      "sentOf(peer, served);",
    ),
    ...RULES,
    test: "R5: unacknowledged entries are sent again",
  },
  {
    name: "an ack does not write the attachment",
    edits: one(
      "src/core/delivery/pump.ts",
      "this.#output.saveSnapshot(peer);\n    if (!peer.live) {",
      "if (!peer.live) {",
    ),
    ...RULES,
    test: "R5: an attachment written at every",
  },
  {
    name: "a delivery to a chat.line peer does not write the attachment",
    edits: one(
      "src/core/delivery/pump.ts",
      'staged = entries.length === message.entries.length ? message : { type: "entries", entries };\n      this.#output.saveSnapshot(peer);',
      'staged = entries.length === message.entries.length ? message : { type: "entries", entries };',
    ),
    ...RULES,
    test: "R5: a line peer is not sent again",
  },
  {
    name: "every peer is live after a wake",
    edits: one("src/core/state.ts", "acked >= floor && maxSeq(", "true || maxSeq("),
    ...RULES,
    test: "R5: entries in flight when the room",
  },
  {
    name: "a newcomer gets earlier entries of the turn",
    edits: one("src/core/delivery/pump.ts", "peer.sent > this.#state.served", "false"),
    ...RULES,
    test: "R5: a peer that joins in the middle",
  },
  {
    name: "the checkpoint always overrides a name's row",
    edits: one(
      "src/store/sqlite-directory.ts",
      "head < this.#savedHead",
      "head <= this.#savedHead",
    ),
    project: "workerd",
    file: "test/workerd/sqlite-storage.test.ts",
    test: "of a name's row and the checkpoint",
  },
  {
    name: "unknown recipients are dropped silently",
    edits: one(
      "src/core/commands/send.ts",
      "if (unknown.length > 0) {",
      "if (unknown.length > 1) {",
    ),
    ...RULES,
    test: "R6: one unknown name rejects the whole message, by name",
  },
  {
    name: "a gap is skipped silently",
    edits: one("src/core/delivery/pump.ts", "addSeq(start, 1) < first &&", "false &&"),
    ...RULES,
    test: "R6: trimmed entries are sent as a gap",
  },
  {
    name: "an unacknowledged gap is forgotten",
    edits: one(
      "src/core/delivery/pump.ts",
      "this.#flow.onSent(peer, to, GAP_BYTES, peer.sent, now);",
      "this.#flow.onSent(peer, to, GAP_BYTES, addSeq(to, -1), now);",
    ),
    ...RULES,
    test: "R6: an unacknowledged gap is sent",
  },
  {
    name: "the higher of explicit since and own cursor counts",
    edits: one(
      "src/core/membership/join.ts",
      "return epoch === room.epoch ? since : own;",
      "return epoch === room.epoch ? maxSeq(since, own) : own;",
    ),
    ...RULES,
    test: "R6: an unknown epoch or a since above",
  },
  {
    name: "a failure signal of an unknown connection throws",
    edits: one("src/core/membership/leave.ts", "if (peer === undefined) return undefined;", ""),
    ...RULES,
    test: "R7: signals of unknown, older and doubled connections",
  },
  {
    name: "reserved close codes are echoed",
    edits: one(
      "src/durable-object/connections.ts",
      "try {\n      if (code === CLOSE.NORMAL || (code >= 3000 && code < 5000)) ws.close(code);\n      else ws.close();\n    } catch {\n      // The connection broke: no answer can reach it.\n    }",
      "ws.close(code);",
    ),
    ...WAKE,
    test: "R2: close removes the peer once",
  },
  {
    name: "history includes other peers' messages",
    edits: one("src/core/peers/peers.ts", "concerns(entry, peer.link.name));", "true);"),
    ...RULES,
    test: "R8: history shows entries that concern",
  },
  {
    name: "history includes entries from before the birth",
    edits: one("src/core/peers/peers.ts", "entry.seq > peer.birth && ", ""),
    ...RULES,
    test: "R8: an evicted name that is claimed",
  },
  {
    name: "the replies of a turn have no bound",
    edits: one("src/core/delivery/pump.ts", "let left = TURN_REPLY_BYTES;", "let left = Infinity;"),
    project: "unit",
    file: "test/unit/core/bounds.test.ts",
    test: "R8: a hundred history requests at once",
  },
  {
    name: "the replay of a turn has no bound",
    edits: one("src/core/delivery/pump.ts", " || staged >= TURN_REPLAY_BYTES", ""),
    project: "unit",
    file: "test/unit/core/bounds.test.ts",
    test: "R8: a hundred peers that ack unread",
  },
  {
    name: "bytes read for a page do not count",
    edits: one("src/core/delivery/pump.ts", "entry.bytes, 0) + scan.bytes;", "entry.bytes, 0);"),
    project: "unit",
    file: "test/unit/core/bounds.test.ts",
    test: "R8: peers that return at once share",
  },
  {
    name: "a message of unknown fate blocks one-by-one sending",
    edits: one(
      "src/client/send-queue.ts",
      "!unknown && this.sentIds.has(id))",
      "this.sentIds.has(id))",
    ),
    project: "unit",
    file: "test/unit/client/send-queue.test.ts",
    test: "a message of unknown fate does not delay the others while they are sent one by one",
  },
  {
    name: "the window is ignored",
    edits: one(
      "src/core/delivery/flow-control.ts",
      "return count < this.#limits.window &&",
      "return ",
    ),
    ...RULES,
    test: "R8: at most a window is in flight",
  },
  {
    name: "the rate limit is per connection",
    edits: one(
      "src/core/commands/charge.ts",
      "context.rateLimiter.take(peer.link.name,",
      "context.rateLimiter.take(peer.link.id,",
    ),
    ...RULES,
    test: "R8: the first item over the rate",
  },
  {
    name: "the stall timer never stops",
    edits: one(
      "src/core/membership/timeouts.ts",
      "return flightBytes > 0 || marks > 0 ? stallAt : undefined;",
      "return stallAt;",
    ),
    ...RULES,
    test: "R9: with everyone connected and nothing in flight",
  },
  {
    name: "a commit in every turn",
    edits: one("src/core/broker.ts", "if (fresh.length === 0 && !directory.isChanged) return;", ""),
    ...RULES,
    test: "R10: a turn of many events is one commit",
  },
  {
    name: "`ready` waits for the head",
    edits: one(
      "src/core/delivery/ready-reports.ts",
      "if (sent < peer.welcomeHead ||",
      "if (!peer.live ||",
    ),
    ...RULES,
    test: "R11: a returning peer becomes ready however fast others talk",
  },
  {
    name: "an ack opens no window",
    edits: one(
      "src/core/delivery/pump.ts",
      "advance(peer, seq);\n      this.schedule(peer);",
      "advance(peer, seq);",
    ),
    ...RULES,
    test: "R11: a returning peer becomes ready however fast others talk",
  },
  {
    name: "no sweep",
    edits: one(
      "src/core/delivery/pump.ts",
      "if (fresh.length > 0) this.#ready.sweep(fresh.length, now);",
      "",
    ),
    ...RULES,
    test: "R11: a peer that no entry concerns",
  },
  {
    name: "a large room gets `ready` in one turn",
    edits: one(
      "src/core/delivery/ready-reports.ts",
      "sweep.rest.splice(-count)",
      "sweep.rest.splice(0)",
    ),
    ...READY,
    test: "R8: of 640 silent peers, a message",
  },
  {
    name: "a large turn sweeps half of the room",
    edits: one("src/core/delivery/ready-reports.ts", " || entries >= SWEEP_ENTRIES", ""),
    ...READY,
    test: "R11: it comes before 1,000 entries",
  },
  {
    name: "`ready` is sent so late that the next sweep is too late",
    edits: one(
      "src/core/delivery/ready-reports.ts",
      "READY_ENTRIES - 4 * SWEEP_ENTRIES",
      "READY_ENTRIES - SWEEP_ENTRIES",
    ),
    ...READY,
    test: "R11: it comes before 1,000 entries",
  },
  {
    name: "dead connections are kept",
    edits: one(
      "src/core/membership/timeouts.ts",
      "if (peer.lastAckAt + STALL_MS <= now) stalled.push(peer);\n      else next",
      "next",
    ),
    ...RULES,
    test: "R11: no progress for 90 s with entries",
  },
  {
    name: "hibernation refills a quota",
    edits: one(
      "src/core/commands/send.ts",
      "output.saveSnapshot(peer);\n  const away",
      "const away",
    ),
    ...SHARE,
    test: "R8: a quota is not refilled by hibernation",
  },
  {
    name: "a crash refills a quota",
    edits: one(
      "src/store/sqlite-directory.ts",
      "if (spent.length > 0) saved.push(encodeUsage(spent));",
      "",
    ),
    project: "workerd",
    file: "test/workerd/sqlite-storage.test.ts",
    test: "keeps a name's recent quota usage",
  },
  {
    name: "a key's expiry is checked only at the join",
    edits: one(
      "src/core/membership/timeouts.ts",
      "if (now < this.#state.expiresFrom) return [];",
      "return [];",
    ),
    ...EXPIRY,
    test: "ends its connection before anything",
  },
  {
    name: "a wake forgets that keys expire",
    edits: one("src/core/state.ts", "expiresFrom: 0", "expiresFrom: Infinity"),
    ...EXPIRY,
    test: "is kept through hibernation, in the socket's attachment",
  },
  {
    name: "secrets are compared by their last character",
    edits: one("src/core/timing-safe-equal.ts", "difference |=", "difference ="),
    project: "unit",
    file: "test/unit/core/timing-safe-equal.test.ts",
    test: "another one in the middle",
  },
  {
    name: "a token with any algorithm is valid",
    edits: one("src/http/auth/jwt.ts", "      algorithms,\n      issuer,", "      issuer,"),
    ...TOKEN,
    test: "another symmetric algorithm",
  },
  {
    name: "a token of any issuer is valid",
    edits: one("src/http/auth/jwt.ts", "      algorithms,\n      issuer,", "      algorithms,"),
    ...TOKEN,
    test: "another issuer",
  },
  {
    name: "a token for any audience is valid",
    edits: one("src/http/auth/jwt.ts", "...(audience !== undefined && { audience }),", ""),
    ...TOKEN,
    test: "another audience",
  },
  {
    name: "a token without expiry is valid",
    edits: one("src/http/auth/jwt.ts", '["exp", "sub"]', '["sub"]'),
    ...TOKEN,
    test: "no end",
  },
  {
    name: "a token is valid for any name",
    edits: one("src/http/auth/jwt.ts", "if (parsePeerName(given) !== name) {", "if (false) {"),
    ...TOKEN,
    test: "another name",
  },
  {
    name: "a token is valid for any room",
    edits: one("src/http/auth/jwt.ts", "if (!covers(rooms, room)) {", "if (false) {"),
    ...TOKEN,
    test: "rooms: a list without it",
  },
  {
    name: "every room of a token is a prefix",
    edits: one("src/http/auth/jwt.ts", ": room === pattern;", ": room.startsWith(pattern);"),
    ...TOKEN,
    test: "rooms: an exact name is no beginning",
  },
  {
    name: "a failing issuer makes a token invalid",
    edits: one("src/http/auth/jwt.ts", "if (error instanceof KeysUnavailable) {", "if (false) {"),
    ...KEY_SET,
    test: "an issuer that fails is a temporary",
  },
  {
    name: "unknown keys make the room refetch",
    edits: one(
      "src/http/auth/jwks.ts",
      "if (isWithin(this.#missedAt, COOLDOWN_MS, now))",
      "if (false)",
    ),
    ...KEY_SET,
    test: "tokens with made-up keys cannot flood",
  },
  {
    name: "cached keys never expire",
    edits: one(
      "src/http/auth/jwks.ts",
      "kept && isWithin(kept.at, MAX_AGE_MS, now) ? kept",
      "kept ? kept",
    ),
    ...KEY_SET,
    test: "a withdrawn key is rejected once the cache expires",
  },
  {
    name: "the owner is the subject of any issuer",
    edits: one(
      "src/http/handshake.ts",
      "(room, name, issuer, subject), expiresAt",
      '(room, name, "", subject), expiresAt',
    ),
    ...DOOR,
    test: "a renewed token has the same owner",
  },
  {
    name: "an incomplete token configuration counts as none",
    edits: one(
      "src/config/jwt.ts",
      "NAMES.filter((name) => vars[name] !== undefined)",
      "NAMES.filter((name) => vars[name])",
    ),
    project: "workerd",
    file: "test/workerd/config.test.ts",
    test: "an empty secret is a mistake",
  },
  {
    name: "a page without encryption is the endpoint's own",
    edits: one("src/http/origin.ts", 'page.protocol === "https:" ||', "true ||"),
    ...DOOR,
    test: "its own host without encryption",
  },
  {
    name: "a page of another origin is accepted",
    edits: one("src/http/router.ts", "if (!isOriginAllowed(origin, url, origins))", "if (false)"),
    ...DOOR,
    test: "a page of another origin is rejected",
  },
  {
    name: "a rejection names the key",
    edits: one("src/http/handshake.ts", '!protocol.toLowerCase().startsWith("key.") && ', ""),
    ...DOOR,
    test: "a rejection names a subprotocol of the offer:",
  },
  {
    name: "a rejection names no subprotocol, so that no browser reads it",
    edits: one("src/http/handshake.ts", "dialect ?? protocols.find(mayBeNamed)", "dialect"),
    ...DOOR,
    test: "a rejection names a subprotocol of the offer:",
  },
  {
    name: "a long origin makes a close reason too long",
    edits: one("src/http/origin.ts", "if (origin.length <= ORIGIN_SHOWN_BYTES) return", "return"),
    ...DOOR,
    test: "the reason names a longer one",
  },
  {
    name: "rejected handshakes are not counted",
    edits: one(
      "src/http/router.ts",
      "if (await isRateLimited(headers, env.UPGRADES)) return tooMany(room);",
      "",
    ),
    ...DOOR,
    test: "a handshake is counted before it is rejected",
  },
  {
    name: "no browser can read 429",
    edits: one(
      "src/http/router.ts",
      "if (await isRateLimited(request.headers, env.UPGRADES)) return tooMany(room);",
      "",
    ),
    ...DOOR,
    test: "requests that are no handshake: 404",
  },
  {
    name: "a failing limiter closes the room",
    edits: one(
      "src/http/rate-limit.ts",
      "error: String(error) });\n    return false;",
      "error: String(error) });\n    return true;",
    ),
    ...DOOR,
    test: "the room works on when the limiter throws",
  },
  {
    name: "each IPv6 address is counted separately",
    edits: one("src/http/rate-limit.ts", "groups.slice(0, 4)", "groups.slice(0, 8)"),
    ...DOOR,
    test: "counts another of the same /64",
  },
  {
    name: "batching: a flood never ends a batch",
    edits: one(
      "src/durable-object/batch-timer.ts",
      "return grew && passed >= 0 && passed < BATCH_MS",
      "return grew",
    ),
    project: "unit",
    file: "test/unit/durable-object/batch-timer.test.ts",
    test: "R7: a flood that never ends is cut after 20 ms",
  },
  {
    name: "batching: a single message waits for others",
    edits: one(
      "src/durable-object/batch-timer.ts",
      "items >= this.#found + BATCH_ITEMS",
      "items >= this.#found",
    ),
    project: "unit",
    file: "test/unit/durable-object/batch-timer.test.ts",
    test: "a single message is committed at the first check",
  },
  {
    name: "the fast path accepts an ill-formed id",
    edits: one(
      "src/codec/json.ts",
      "if (!id.isWellFormed() || !text.isWellFormed()) return undefined;",
      "if (!text.isWellFormed()) return undefined;",
    ),
    project: "unit",
    file: "test/unit/codec/json.test.ts",
    test: "agrees with the schemas",
  },
  {
    name: "the fast path accepts an invalid name",
    edits: one("src/codec/json.ts", "[A-Za-z0-9_.-]{0,31}$/", "[A-Za-z0-9_.-]*$/"),
    project: "unit",
    file: "test/unit/codec/json.test.ts",
    test: "agrees with the schemas",
  },
  {
    name: "everything waits for the interval",
    edits: one("src/durable-object/batch-timer.ts", "if (!isAck(frame)) return", "return"),
    project: "unit",
    file: "test/unit/durable-object/batch-timer.test.ts",
    test: "acks do not wait",
  },
  {
    name: "a commit interval delays peers that are behind",
    edits: one(
      "src/durable-object/batch-timer.ts",
      "return isAnyoneBehind() ? 0 : Math.min",
      "return Math.min",
    ),
    project: "unit",
    file: "test/unit/durable-object/batch-timer.test.ts",
    test: "R11: nothing waits while a peer is behind",
  },
  {
    name: "the interval starts with any turn, not with a commit of entries",
    edits: one(
      "src/durable-object/chat-room.ts",
      "if (this.#storage?.log.head !== head) this.#inbox",
      "this.#inbox",
    ),
    project: "workerd",
    file: "test/workerd/batching.test.ts",
    test: "the first message after quiet does not wait",
  },
  {
    name: "signals have no bound per room",
    edits: one("src/core/commands/signal.ts", "if (!flow.mayCarrySignal(now)) return;", ""),
    ...SIGNALS,
    test: "R8: a burst of signals to a crowd",
  },
  {
    name: "attachments of the previous release are not read",
    edits: one(
      "src/durable-object/attachment.ts",
      "    case 1:\n    case 2: {\n",
      "    case 2: {\n",
    ),
    ...VERSIONS,
    test: "release-1 R5: connected peers get the entries in flight",
  },
  {
    name: "an upgrade forgets that a connection has ended",
    edits: one(
      "src/durable-object/attachment.ts",
      "return { version: ATTACHMENT_VERSION, over, memo: { ...before, ...memo } };",
      "return { version: ATTACHMENT_VERSION, over: over && false, memo: { ...before, ...memo } };",
    ),
    ...VERSIONS,
    test: "release-1 R2: an ended connection stays ended",
  },
  {
    name: "model: removal by name",
    edits: one("src/core/peers/peers.ts", "if (peer?.link.id !== id) return undefined;", ""),
    ...MODEL,
    test: "R2: a failure behind the takeover",
  },
  {
    name: "model: a wake restores a superseded socket",
    edits: one("src/durable-object/connections.ts", "else if (!attachment.over) {", "else {"),
    ...MODEL,
    test: "R2: sleep after a takeover whose older socket never answered",
  },
  {
    name: "model: the saved cursor is too high",
    edits: one(
      "src/core/delivery/cursor.ts",
      "countInFlight(peer.flight) === 0 && !peer.sendFailed ? sentOf(peer, served) : peer.acked;",
      "sentOf(peer, served);",
    ),
    ...MODEL,
    test: "R5: both signals of a socket with something in flight",
  },
  {
    name: "model: an ack does not write the attachment",
    edits: one(
      "src/core/delivery/pump.ts",
      "this.#output.saveSnapshot(peer);\n    if (!peer.live) {",
      "if (!peer.live) {",
    ),
    ...MODEL,
    test: "R5: an ack, then storage that fails",
  },
  {
    name: "model: the rows of a turn are written one by one",
    edits: one(
      "src/store/sqlite-storage.ts",
      "this.#database.transactionSync(() => {",
      "((work: () => void) => work())(() => {",
    ),
    ...MODEL,
    test: "R3: storage that fails with the second write",
  },
  {
    name: "model: a peer of a failed turn stays connected",
    edits: one(
      "src/durable-object/chat-room.ts",
      '.filter((event) => "link" in event)',
      ".slice(0, 0)",
    ),
    ...MODEL,
    test: "R3: storage that fails with the second write",
  },
  {
    name: "presence updates are as frequent in a large room as in a small one",
    edits: one(
      "src/core/peers/presence.ts",
      "now + Math.max(PRESENCE_MS, Math.ceil(fair))",
      "now + PRESENCE_MS",
    ),
    project: "unit",
    file: "test/unit/core/presence.test.ts",
    test: "R8: in a room of 4999",
  },
  {
    name: "presence updates reach a whole large room in one turn",
    edits: one(
      "src/core/membership/presence-broadcast.ts",
      "splice(0, PRESENCE_TURN_FRAMES)",
      "splice(0)",
    ),
    project: "unit",
    file: "test/unit/core/bounds.test.ts",
    test: "R8: a turn sends news to 500 peers",
  },
  {
    name: "a peer welcomed with a presence update gets it again",
    edits: one(
      "src/core/membership/presence-broadcast.ts",
      "peers.current(link)",
      "peers.get(link.name)",
    ),
    project: "unit",
    file: "test/unit/core/bounds.test.ts",
    test: "presence news that arise during a broadcast",
  },
  {
    name: "counted: a row for each entry",
    edits: one(
      "src/store/segment-writer.ts",
      "if (index > start && bytes + own > ROW_BYTES) {",
      "if (index > start) {",
    ),
    ...COUNTED_LOADS,
    test: "R10: ten messages to everyone",
  },
  {
    name: "counted: a checkpoint with every commit",
    edits: one("src/core/broker.ts", "if (isCheckpoint(before, log.head)) directory", "directory"),
    ...COUNTED,
    test: "R10: one checkpoint of all cursors",
  },
  {
    name: "counted: a cursor written at each ack",
    edits: one(
      "src/core/commands/ack.ts",
      "if (seq <= head && (pump.ack(peer, counted, now) || isShown)) return;",
      "if (seq <= head && (pump.ack(peer, counted, now) || isShown)) return storage.directory.save(peer.link.name, { cursor: pump.cursorOf(peer), spent: peer.quotaUsed, seen: now });",
    ),
    ...COUNTED_LOADS,
    test: "R10: one message in flight",
  },
  {
    name: "counted: an entry is encoded again for its recipients",
    edits: one(
      "src/core/commands/send.ts",
      "  entries.add(entry);\n",
      "  entries.add(entries.encode({ from: peer.link.name, to, text, id }, now));\n",
    ),
    ...COUNTED_LOADS,
    test: "R10: one message in flight",
  },
  {
    name: "counted: a segment is read again for each page",
    edits: one("src/store/sqlite-log.ts", "        this.#keep(segment);\n", ""),
    project: "workerd",
    file: "test/workerd/counted-replay.test.ts",
    test: "a replay of 10,000 entries, all of them",
  },
  {
    name: "model: a grace never ends",
    edits: one("src/core/peers/presence.ts", "if (until > now) break;", "if (until > 0) break;"),
    ...MODEL,
    test: "R11: a dead link is given up",
  },
  {
    name: "a changed entry stays in the cache",
    edits: one(
      "src/store/sqlite-log.ts",
      "    this.#drop((other) => other.last === segment.last);\n",
      "",
    ),
    project: "workerd",
    file: "test/workerd/sqlite-storage.test.ts",
    test: "changes one entry",
  },
  {
    name: "a scan has no bound on the bytes read",
    edits: one(
      "src/store/sqlite-log.ts",
      "if (this.bytes < SCAN_BYTES) return false;",
      "if (this.bytes >= 0) return false;",
    ),
    project: "workerd",
    file: "test/workerd/sqlite-storage.test.ts",
    test: "R8: a stretch with many bytes ends early",
  },
  {
    name: "a scan that ended early counts as complete",
    edits: one("src/store/sqlite-log.ts", "this.#end = end;", "void end;"),
    project: "workerd",
    file: "test/workerd/sqlite-storage.test.ts",
    test: "R8: a stretch with many bytes ends early",
  },
  {
    name: "a text erased in its own turn is sent",
    edits: one(
      "src/core/new-entries.ts",
      "if (index >= 0) this.#entries[index] = entry;",
      "if (index >= 0) return;",
    ),
    ...OPERATOR,
    test: "the turn that stored it may erase",
  },
  {
    name: "everyone is notified of an erasure",
    edits: one("src/core/patch.ts", "if (to === undefined) return undefined;", "return undefined;"),
    ...OPERATOR,
    test: "R6: peers that may have it are notified",
  },
  {
    name: "an expelled name is not forgotten",
    edits: one("src/core/admin/commands.ts", "storage.directory.forget(name);", ""),
    ...OPERATOR,
    test: "R2: the peer is removed once, with 4004",
  },
  {
    name: "an expelled name in grace still counts",
    edits: one("src/core/admin/commands.ts", "presence.dismissed(name, now);", ""),
    ...OPERATOR,
    test: "an absent name is forgotten; a name",
  },
  {
    name: "a repeated publication is not detected",
    edits: one(
      "src/core/admin/commands.ts",
      "if (isMessage && entry.id === id) return published(entry, false);",
      "",
    ),
    ...OPERATOR,
    test: "once, with an id and a since: the message",
  },
  {
    name: "a closed room keeps its storage",
    edits: one("src/core/broker.ts", "if (this.#admin.isErasing) return storage.erase();", ""),
    ...OPERATOR,
    test: "R2: every peer is removed exactly",
  },
  {
    name: "a query creates a room",
    edits: one(
      "src/durable-object/chat-room.ts",
      "if (this.#broker === undefined && this.#isWithoutRoom(items)) return;",
      "",
    ),
    ...OPERATED,
    test: "a query creates no room, neither",
  },
  {
    name: "names are logged in the clear",
    edits: one(
      "src/observability/logger.ts",
      "{ name: hashed(audit.name, key) }",
      "{ name: audit.name }",
    ),
    ...OPERATED,
    test: "R8: lines report what happened, and never",
  },
  {
    name: "the network's return ends a pause",
    edits: one(
      "src/client/connection-state.ts",
      'if (link.type === "paused") return stay(link);',
      "",
    ),
    project: "unit",
    file: "test/unit/client/connection-state.test.ts",
    test: "while live: the link is let go of, and nothing but `resume`",
  },
  {
    name: "page: a text becomes markup",
    edits: one(
      "src/apps/page/view/dom.ts",
      'element.dir = "auto";\n  element.textContent = text;',
      "element.innerHTML = text;",
    ),
    project: "unit",
    file: "test/unit/apps/page/source.test.ts",
    test: "view/dom.ts makes no markup",
  },
  {
    name: "page: a key that Safari gave to the input method sends",
    edits: one(
      "src/apps/page/model/keys.ts",
      "isComposing || keyCode === TAKEN_BY_INPUT_METHOD",
      "isComposing",
    ),
    project: "unit",
    file: "test/unit/apps/page/keys.test.ts",
    test: "Enter that ends a composition in Safari",
  },
  {
    name: "page: yesterday is 24 hours ago",
    edits: one(
      "src/apps/page/model/rows.ts",
      "const ago = today - dayNumber(at);",
      "const ago = dayNumber(at) === today ? 0 : dayNumber(now - DAY_MS) === dayNumber(at) ? 1 : 2;",
    ),
    project: "unit",
    file: "test/unit/apps/page/days.test.ts",
    test: "yesterday is the day before",
  },
  {
    name: "page: the counter counts characters",
    edits: one("src/apps/page/model/length.ts", "= utf8Length(text);", "= text.length;"),
    project: "unit",
    file: "test/unit/apps/page/length.test.ts",
    test: "bytes are counted",
  },
  {
    name: "page: the room's advice is repeated beside the page's",
    edits: one(
      "src/apps/page/model/status-text.ts",
      'plainText(why).split(": ", 1)[0] ?? ""',
      "plainText(why)",
    ),
    project: "unit",
    file: "test/unit/apps/page/status-text.test.ts",
    test: "the advice is given once",
  },
  {
    name: "a sentence for people names a field",
    edits: one("src/client/error-text.ts", "return plainText(message).", "return message."),
    project: "unit",
    file: "test/unit/apps/page/status-text.test.ts",
    test: "no field is named",
  },
  {
    name: "the outbox accepts a text that is too long",
    edits: one(
      "src/client/send-queue.ts",
      "this.#hasLimits ? this.#tooLarge(queued) : undefined",
      "undefined",
    ),
    project: "unit",
    file: "test/unit/client/send-queue.test.ts",
    test: "a new message above the limits is refused after the first welcome, not before",
  },
  {
    name: "page: a replayed entry counts as live",
    edits: one("src/apps/page/model/log.ts", 'this.#via.get(seq) ?? "history"', '"live" as Via'),
    ...PAGE_LOG,
    test: "the log keeps how an entry arrived",
  },
  {
    name: "model: a patch is applied backwards",
    edits: one(
      "src/model/folded-entry.ts",
      "if (patched === undefined && seq > (this.#last?.seq ?? 0)) {",
      "if (patched === undefined) {",
    ),
    ...ANY_ORDER,
    test: "R5: the view is the fold of the log",
  },
  {
    name: "model: an older version of a message replaces a newer one",
    edits: one(
      "src/model/folded-entry.ts",
      "if (this.#base !== undefined && versionOf(entry) <= versionOf(this.#base)) return;",
      "",
    ),
    ...ANY_ORDER,
    test: "R5: the view is the fold of the log",
  },
  {
    name: "model: a patch that a page already has is applied again",
    edits: one(
      "src/model/folded-entry.ts",
      "this.#base === undefined ? this.seq : versionOf(this.#base)",
      "this.seq",
    ),
    ...ANY_ORDER,
    test: "R5: the view is the fold of the log",
  },
  {
    name: "model: a patch that comes before its message is forgotten",
    edits: one("src/model/room-model.ts", "this.#early.set(ref, early);", ""),
    ...ANY_ORDER,
    test: "R5: the view is the fold of the log",
  },
  {
    name: "model: a superseded patch does not count",
    edits: one("src/model/folded-entry.ts", "if (!erase) this", "if (!erase && !patched) this"),
    ...ANY_ORDER,
    test: "R5: the view is the fold of the log",
  },
  {
    name: "model: an entry is another object after each repeat",
    edits: one(
      "src/model/folded-entry.ts",
      "if (this.#entry === undefined || !isSame) this.#entry = folded;",
      "this.#entry = { ...folded };",
    ),
    ...ANY_ORDER,
    test: "an entry is the same object until it changes",
  },
  {
    name: "model: the first reaction counts",
    edits: one(
      "src/model/reactions.ts",
      "people.delete(entry.from);",
      "if (people.has(entry.from)) continue;",
    ),
    ...ROOM_MODEL,
    test: "references of a person and a mark: the last counts",
  },
  {
    name: "model: reactions of before an erasure stay",
    edits: one(
      "src/model/room-model.ts",
      "if (entry?.ref !== undefined) this.#markStale(entry.ref);",
      "",
    ),
    ...ROOM_MODEL,
    test: "references a reaction that is erased counts nothing",
  },
  {
    name: "model: quiet entries are unread",
    edits: one(
      "src/model/room-model.ts",
      "entry.from === reader || entry.quiet",
      "entry.from === reader",
    ),
    ...ROOM_MODEL,
    test: "unread are messages above the marker",
  },
  {
    name: "page: a change that waits for a message that is not here is not shown",
    edits: one(
      "src/apps/page/model/log.ts",
      "isSaid(unsent) || this.#model.get(unsent.ref ?? 0) === undefined",
      "isSaid(unsent)",
    ),
    ...PAGE_LOG,
    test: "the log what waits to change a message is at the end",
  },
  {
    name: "page: reactions are rows",
    edits: one(
      "src/apps/page/model/log.ts",
      "!entry.quiet && !isReaction(entry)",
      "!isReaction(entry)",
    ),
    ...PAGE_LOG,
    test: "the log quiet entries are no items",
  },
  {
    name: "page: a reply to some goes to everyone",
    edits: one("src/apps/page/model/contents.ts", "if (to === undefined) return [];", "return [];"),
    ...PAGE_CONTENTS,
    test: "a reply goes to the sender and the others",
  },
  {
    name: "page: the first change that waits is shown",
    edits: one("src/apps/page/model/contents.ts", "unsent.findLast((", "unsent.find(("),
    ...PAGE_CONTENTS,
    test: "the text of one whose change waits",
  },
  {
    name: "page: the virtual window grows",
    edits: one("src/apps/page/model/virtual-window.ts", "Math.min(length, start + ROWS)", "length"),
    ...PAGE_LOG,
    test: "goes up to the first and down to the last",
  },
  {
    name: "page: one draft for all rooms",
    edits: one(
      "src/apps/page/preferences.ts",
      "this.#set(`draft ${room}/${name}`",
      "this.#set(`draft ${name}`",
    ),
    ...PAGE_MEMORY,
    test: "a draft survives a reload",
  },
  {
    name: "page: a full disk loses a draft",
    edits: one(
      "src/apps/page/preferences.ts",
      "      this.#memory.set(key, value);\n    }\n  }\n\n  #tabGet",
      "    }\n  }\n\n  #tabGet",
    ),
    ...PAGE_MEMORY,
    test: "a full disk loses nothing",
  },
  {
    name: "page: a person who left unnoticed stays",
    edits: one("src/apps/page/model/roster.ts", "this.#known.delete(name);", "continue;"),
    ...PAGE_PEOPLE,
    test: "a person who left unnoticed",
  },
  {
    name: "an unreadable row fails every peer",
    edits: one(
      "src/core/delivery/pump.ts",
      "      this.#failed.set(peer, error);\n    }\n    if (page.length > 0)",
      "      throw error;\n    }\n    if (page.length > 0)",
    ),
    ...UNREAD,
    test: "R7: ends alone with 4102; peers with an event",
  },
  {
    name: "a failed peer is closed before its entries are sent",
    edits: one(
      "src/core/broker.ts",
      "    entries.clear();\n    this.#flush(now);\n    this.#closeFailed(now);\n",
      "    entries.clear();\n    this.#closeFailed(now);\n    this.#flush(now);\n",
    ),
    ...UNREAD,
    test: "R5: gets everything after the repair",
  },
  {
    name: "a wake needs every row of the index",
    edits: one(
      "src/core/state.ts",
      "return { isLive: () => false, corruption };",
      "throw corruption;",
    ),
    ...DAMAGE,
    test: "R7: a segment of unknown recipients",
  },
  {
    name: "the log does not store what a patch changes",
    edits: one("src/core/broker.ts", "log.append(fresh, entries.changed);", "log.append(fresh);"),
    ...PATCHES,
    test: "R3: changes a message for everyone who can read it",
  },
  {
    name: "the patch before keeps the former text",
    edits: one(
      "src/core/commands/patch.ts",
      "? [folded, supersede(previous, patch.seq)] : [folded];",
      "? [folded] : [folded];",
    ),
    ...PATCHES,
    test: "R3: of a message that was changed three times",
  },
  {
    name: "a superseded patch keeps its contents",
    edits: one(
      "src/core/patch.ts",
      "export function supersede({ type, seq, ref, from, to, id, at, quiet }: Patch, by: Seq): Patch {\n  return encodeEntry({ type,",
      "export function supersede(patch: Patch, by: Seq): Patch {\n  const { type, seq, ref, from, to, id, at, quiet } = patch;\n  return encodeEntry({ ...patch, type,",
    ),
    ...PATCHES,
    test: "two patches of an older message",
  },
  {
    name: "a patch erases what others sent",
    edits: one(
      "src/core/commands/patch.ts",
      "if (entry.from !== peer.link.name) return",
      "if (entry.from !== peer.link.name && !change.erase) return",
    ),
    ...PATCHES,
    test: "does not change what others sent",
  },
  {
    name: "a message is changed at any age",
    edits: one(
      "src/core/commands/patch.ts",
      "if (now - entry.at >= limits.patchHours * HOUR) return",
      "if (false) return",
    ),
    ...PATCHES,
    test: "erases a message at any time",
  },
  {
    name: "a message is changed any number of times",
    edits: one(
      "src/core/commands/patch.ts",
      "if ((entry.patches ?? 0) >= PATCHES_MAX) {",
      "if (false) {",
    ),
    ...PATCHES,
    test: "R8: changes one 32 times",
  },
  {
    name: "an old message is not erased",
    edits: one("src/core/commands/patch.ts", "if (change.erase) return entry;", ""),
    ...PATCHES,
    test: "erases a message at any time",
  },
  {
    name: "a refusal tells what others have",
    edits: one(
      "src/core/commands/patch.ts",
      "if (entry === undefined || !mayRead(peer, entry)) {",
      "if (entry === undefined) {",
    ),
    ...PATCHES,
    test: "R8: cannot tell an entry of others",
  },
  {
    name: "a target that cannot be read fails its whole turn",
    edits: one(
      "src/core/commands/patch.ts",
      '    audit.add({ event: "storage-trouble", error: String(error) });\n    return undefined;',
      "    throw error;",
    ),
    ...PATCHES,
    test: "R8: an entry whose row cannot be read",
  },
  {
    name: "a patch reaches whoever claimed the name of a recipient",
    edits: one(
      "src/core/patch.ts",
      "return birth !== undefined && birth < seq;",
      "return birth !== undefined;",
    ),
    ...PATCHED_FOR,
    test: "R2: of which a recipient's name was claimed anew",
  },
  {
    name: "an erasure reaches whoever claimed the name of the author",
    edits: one(
      "src/core/entry.ts",
      "(entry.from === name && !isOperatorPatch(entry)) ||",
      "entry.from === name ||",
    ),
    ...PATCHED_FOR,
    test: "R2: a message whose author's name was claimed anew",
  },
  {
    name: "an operator erases no message by the seq of its patch",
    edits: one("src/core/admin/commands.ts", 'if (kept?.type === "message") return kept;', ""),
    ...PATCHED_FOR,
    test: "a message by the seq of its patch",
  },
  {
    name: "a patch of a long row costs what others cost",
    edits: one(
      "src/core/commands/patch.ts",
      "Math.min(Math.floor(rowBytes / PATCH_ROW_BYTES), limits.burst - 1)",
      "0",
    ),
    ...PATCH_COSTS,
    test: "R8: a patch takes one item",
  },
  {
    name: "the row of the patch before is free",
    edits: one(
      "src/core/commands/patch.ts",
      "(target?.rowBytes ?? 0) + (previous?.rowBytes ?? 0)",
      "target?.rowBytes ?? 0",
    ),
    ...PATCH_COSTS,
    test: "R8: the row of the patch whose place it takes",
  },
  {
    name: "a patch of a long row can never be afforded",
    edits: one(
      "src/core/commands/patch.ts",
      "Math.min(Math.floor(rowBytes / PATCH_ROW_BYTES), limits.burst - 1)",
      "Math.floor(rowBytes / PATCH_ROW_BYTES)",
    ),
    ...PATCH_COSTS,
    test: "R8: a patch of the longest row takes all of it",
  },
  {
    name: "growth takes no quota",
    edits: one(
      "src/core/commands/patch.ts",
      "patch.bytes + Math.max(0, folded.bytes - target.bytes)",
      "patch.bytes",
    ),
    ...PATCH_COSTS,
    test: "R8: counts the patch and what its message grows by",
  },
  {
    name: "a patch takes no quota",
    edits: one(
      "src/core/commands/patch.ts",
      "if (chargeQuota(context, peer, made.bytes, now)) addPatch",
      "addPatch",
    ),
    ...PATCH_COSTS,
    test: "R8: a patch over it ends the connection",
  },
  {
    name: "patches are shown in history",
    edits: one(
      "src/core/commands/queries.ts",
      'if (entry.type === "patch" || !mayRead(peer, entry)) continue;',
      "if (!mayRead(peer, entry)) continue;",
    ),
    ...PATCHES,
    test: "R3: changes a message for everyone who can read it",
  },
  {
    name: "the operator sees patches",
    edits: one("src/core/admin/queries.ts", 'if (entry.type === "message") {', "{"),
    ...OPERATED_PATCHES,
    test: "sees messages as folded as they are",
  },
  {
    name: "the operator's next page reads patches again",
    edits: one(
      "src/core/admin/queries.ts",
      "      end = entry.seq;\n    }\n    if",
      '      if (entry.type === "message") end = entry.seq;\n    }\n    if',
    ),
    ...OPERATED_PATCHES,
    test: "sees messages as folded as they are",
  },
  {
    name: "what a text says of recipients hides an entry for everyone",
    edits: one(
      "src/core/entry.ts",
      "!IS_ADDRESSED.test(frame) || ",
      "!frame.includes('\"to\":[') || ",
    ),
    project: "unit",
    file: "test/unit/core/entry.test.ts",
    test: "an unparsed frame shows whom it cannot",
  },
  {
    name: "what release 1 erased is an empty message",
    edits: one(
      "src/core/entry.ts",
      "(fields as ErasedByRelease1).redacted ? erasedByRelease1(fields) : framed(fields, frame)",
      "framed(fields, frame)",
    ),
    project: "unit",
    file: "test/unit/core/entry.test.ts",
    test: "a message that release 1 erased",
  },
  {
    name: "the growth of old rows is not retained by size",
    edits: one("src/store/sqlite-log.ts", "const bytes = size + grown;", "const bytes = size;"),
    ...SQLITE,
    test: "counts growth",
  },
  {
    name: "a row grows without a bound",
    edits: one(
      "src/store/segment-writer.ts",
      "const isLong = size > SPLIT_BYTES;",
      "const isLong = false;",
    ),
    ...ROWS,
    test: "R8: is split",
  },
  {
    name: "the parts of a split row have no index of their own",
    edits: one(
      "src/store/segment-writer.ts",
      "insertSegment(sql, { ...extent, total: before }, size, entries, joinFrames(part));",
      "insertSegment(sql, { ...extent, total: before }, size, entries.slice(0, 1), joinFrames(part));",
    ),
    ...SQLITE,
    test: "a row of tiny entries",
  },
  {
    name: "the log has an older row in memory after its change",
    edits: one(
      "src/store/sqlite-log.ts",
      "      this.#drop((other) => other.last === segment.last);\n",
      "",
    ),
    ...SQLITE,
    test: "replaces several",
  },
  {
    name: "a row that cannot be split stops the room",
    edits: one(
      "src/store/segment-writer.ts",
      "    return readEntry(frame);\n  } catch {",
      "    return readEntry(frame);\n  } catch (error) {\n    if (error) throw error;",
    ),
    ...ROWS,
    test: "R7: a damaged entry of a row",
  },
  {
    name: "entries for everyone are skipped unread",
    edits: one("src/core/entry.ts", "!IS_ADDRESSED.test(frame) || ", ""),
    project: "unit",
    file: "test/unit/core/entry.test.ts",
    test: "an unparsed frame shows whom it cannot",
  },
  {
    name: "an entry with the wrong seq is accepted",
    edits: one("src/store/segment.ts", "isFrameOf(this.#seq(i), frame)", 'frame !== ""'),
    ...DAMAGE,
    test: "R7: a segment that is another entry",
  },
  {
    name: "a cached row counts as free",
    edits: [
      {
        file: "src/store/sqlite-log.ts",
        find: "      if (segment === undefined) {",
        put: "      const isKept = segment !== undefined;\n      if (segment === undefined) {",
      },
      {
        file: "src/store/sqlite-log.ts",
        find: "      yield segment;\n",
        put: "      const { first, last } = segment;\n      const [above, below] = [segment.above.bind(segment), segment.below.bind(segment)];\n      yield isKept ? ({ first, last, bytes: 0, above, below } as unknown as Segment) : segment;\n",
      },
    ],
    project: "workerd",
    file: "test/workerd/sqlite-storage.test.ts",
    test: "R8: an entry from the database counts",
  },
  {
    name: "the rows of a scan wait for a major GC",
    edits: one(
      "src/store/sqlite-log.ts",
      `    return new BoundedScan(
      () => this.#endAfter(seq),
      (stretch) => this.#forward(seq, name, stretch),
    );`,
      `    const scan = new BoundedScan(
      () => this.#endAfter(seq),
      (stretch) => this.#forward(seq, name, stretch),
    );
    return {
      entries: scan.entries,
      get end() {
        return scan.end;
      },
      get bytes() {
        return scan.bytes;
      },
    };`,
    ),
    project: "unit",
    file: "test/unit/store/segment.test.ts",
    test: "rows that were read are freed without a major GC",
  },
  {
    name: "a short id is lost when read from disk",
    edits: one("src/core/entry.ts", "as EntryFields), id }", "as EntryFields) }"),
    project: "unit",
    file: "test/unit/core/entry.test.ts",
    test: "an entry with a short id is parsed as JSON would",
  },
  {
    name: "a separator at the end of a chunk counts as an entry",
    edits: one(
      "src/store/segment.ts",
      '    if (end < bracket && chunk.at(-1) === "") chunk.pop();\n',
      "",
    ),
    project: "unit",
    file: "test/unit/core/entry.test.ts",
    test: "is split into frames, chunk by chunk:",
  },
  {
    name: "an additional comma at the end of a segment is ignored",
    edits: one("src/store/segment.ts", "if (end < bracket && chunk", "if (chunk"),
    project: "unit",
    file: "test/unit/store/segment.test.ts",
    test: "is damaged if there is: a comma too many",
  },
  {
    name: "the cache of names is too small for all that return at once",
    edits: one("src/store/sqlite-directory.ts", "CACHED_NAMES = 8_192", "CACHED_NAMES = 4_096"),
    project: "workerd",
    file: "test/workerd/sqlite-storage.test.ts",
    test: "once online, as many names as may be",
  },
  {
    name: "an empty segment is ignored",
    edits: one(
      "src/store/segment.ts",
      "if (!isWhole || this.#frames.length !== row.last - row.first + 1) throw",
      "if (!isWhole) throw",
    ),
    ...DAMAGE,
    test: "R7: a segment that is a list without",
  },
  {
    name: "a lost id starts another epoch",
    edits: one(
      "src/store/schema.ts",
      'if (id === "") throw corruptionError("it has lost its id");',
      "",
    ),
    ...DAMAGE,
    test: "R6: a database with no id closes",
  },
  {
    name: "a checkpoint of the wrong shape is accepted",
    edits: one(
      "src/store/sqlite-directory.ts",
      "return Array.isArray(list) && list.every(isSaved) ? list : undefined;",
      "return list as CheckpointRow[];",
    ),
    ...DAMAGE,
    test: "R5: a checkpoint with a cursor that is text",
  },
  {
    name: "a failing tick closes everyone",
    edits: one(
      "src/durable-object/chat-room.ts",
      "      const broker = this.#wake(items, now);\n",
      '      if (items.every(({ type }) => type === "tick")) throw error;\n      const broker = this.#wake(items, now);\n',
    ),
    project: "workerd",
    file: "test/workerd/storage-faults.test.ts",
    test: "R7: a store that stayed full also",
  },
  {
    name: "a socket closed before an erasure is released after it",
    edits: one(
      "src/durable-object/chat-room.ts",
      "      // Before the next part, which may wake another broker: that must not restore a dead socket as a peer.\n",
      "    }\n    for (const items of splitAtErase(all)) {\n",
    ),
    ...OPERATED,
    test: "R2: a client that hung up in the turn",
  },
  {
    name: "client: a closed client still listens to its page",
    edits: one("src/client/lifetime.ts", "    this.#stopListening();\n", ""),
    project: "unit",
    file: "test/unit/client/shell.test.ts",
    test: "a client that is closed by its user listens to its page no more",
  },
  {
    name: "client: a partial write goes unnoticed",
    edits: one("src/client/storage/file/file-io.ts", "done += written;", "done = bytes.length;"),
    ...FILE_STORAGE,
    test: "a write that the disk takes a part of harms nothing",
  },
  {
    name: "client: a record is moved before it is durable",
    edits: one("src/client/storage/file/file-io.ts", "    fsyncSync(file);\n", ""),
    ...FILE_DURABLE,
    test: "a record is durable before it is moved over the old one",
  },
  {
    name: "client: the folder of a record is not synced",
    edits: one("src/client/storage/file/file-io.ts", "    fsyncSync(opened);\n", ""),
    ...FILE_DURABLE,
    test: "a record is durable before it is moved over the old one",
  },
  {
    name: "client: a file that holds no record is deleted",
    edits: one(
      "src/client/storage/file/file-storage.ts",
      "renameSync(path, aside);",
      "rmSync(path);",
    ),
    ...FILE_STORAGE,
    test: "a record that is cut off: is moved aside",
  },
  {
    name: "client: a record of the wrong shape is accepted",
    edits: one(
      "src/client/record.ts",
      "if (wrong === undefined) return",
      'if (wrong !== "version") return',
    ),
    project: "unit",
    file: "test/unit/client/record.test.ts",
    test: "with no session is unreadable",
  },
  {
    name: "client: a path is locked as it is spelled",
    edits: one("src/client/storage/file/file-storage.ts", "file = realFile(given);", ""),
    ...FILE_STORAGE,
    test: "a link to the file: one owner",
  },
  {
    name: "client: a client that lost the file still writes it",
    edits: one(
      "src/client/storage/file/file-lock.ts",
      "if (!this.isOwned()) throw this.#lost();",
      "",
    ),
    ...FILE_LOCK,
    test: "cannot overwrite the next owner's file, and names that owner",
  },
  {
    name: "client: a lost owner's partial write stays",
    edits: one(
      "src/client/storage/file/file-lock.ts",
      "rmSync(`${this.#path(name)}.new`, { force: true });",
      "",
    ),
    ...FILE_LOCK,
    test: "its unfinished file goes with its claim",
  },
  {
    name: "client: an owner counts as alive if its pid is",
    edits: one(
      "src/client/storage/file/file-identity.ts",
      "return now.started === other.started &&",
      "return",
    ),
    ...FILE_LOCK,
    test: "whose number another process has now is replaced at once",
  },
  {
    name: "client: a pid means the same in every container",
    edits: one(
      "src/client/storage/file/file-identity.ts",
      "if (other.place !== own.place) return undefined;",
      "",
    ),
    ...FILE_LOCK,
    test: "that lives keeps it, and is named",
  },
  {
    name: "client: time asleep counts as observation",
    edits: one(
      "src/client/storage/file/file-lock.ts",
      "Math.min(LOOK_MS, at - before.at)",
      "(at - before.at)",
    ),
    ...FILE_LOCK,
    test: "is not replaced by an observer that slept instead of looking",
  },
  {
    name: "client: a claim of the file is not checked a second time",
    edits: one(
      "src/client/storage/file/file-lock.ts",
      "            renewedAt = performance.now();\n            continue;\n          }\n",
      "          }\n",
    ),
    project: "e2e",
    file: "test/e2e/file-lock.test.ts",
    test: "8 starters at once",
  },
  {
    name: "terminal: a pasted command is executed",
    edits: one("src/apps/terminal/input.ts", " && !isPasted", ""),
    ...TERMINAL,
    test: 'pasted, "/quit" is not a command',
  },
  {
    name: "terminal: an address with full-width signs is plain text for everyone",
    edits: one("src/protocol/line-syntax.ts", "COLON = /[:：]/", "COLON = /[:]/"),
    ...TERMINAL,
    test: "reads full-width signs",
  },
  {
    name: "a blocked WebSocket is never diagnosed",
    edits: one("src/client/diagnose.ts", "BLOCKED_AFTER = 2", "BLOCKED_AFTER = Infinity"),
    project: "e2e",
    file: "test/e2e/terminal/foreign-servers.test.ts",
    test: "a room behind a proxy that blocks WebSockets",
  },
  {
    name: "the probe of a failed handshake drops the prefix of the endpoint",
    edits: one(
      "src/client/diagnose.ts",
      "roomAddress(endpoint, room)",
      "roomAddress(new URL(endpoint.origin), room)",
    ),
    project: "unit",
    file: "test/unit/client/diagnose.test.ts",
    test: "wss://chat.example.com/team/: the probe keeps",
  },
  {
    name: "terminal: invalid names are plain text for everyone",
    edits: one("src/apps/terminal/input.ts", "/^\\s|^$/.test(line.slice(colon + 1))", "false"),
    ...TERMINAL,
    test: "reads names without a comma",
  },
  {
    name: "terminal: a mistyped to sends to everyone",
    edits: one(
      "src/apps/terminal/json-line.ts",
      "if (stray !== undefined) {",
      'if (stray === "") {',
    ),
    ...TERMINAL,
    test: "reads JSON: a mistyped field",
  },
  {
    name: "terminal: a separator within JSON ends its line",
    edits: one("src/apps/terminal/lines.ts", 'split("\\n")', "split(/\\n|\\u2028/)"),
    ...TERMINAL,
    test: "a stream's lines: separators that end no line",
  },
  {
    name: "terminal: a wrapped row looks like a line of its own",
    edits: one("src/apps/terminal/wrap.ts", 'const INDENT = "  ";', 'const INDENT = "";'),
    ...TERMINAL,
    test: "text that imitates a line of its own is indented",
  },
  {
    name: "terminal: wide letters count as one column",
    edits: one("src/apps/terminal/wrap.ts", "? 2 : 1", "? 1 : 1"),
    ...TERMINAL,
    test: "many wide letters",
  },
  {
    name: "terminal: Tab leaves the colon out",
    edits: one("src/apps/terminal/completion.ts", "`${matches[0]}: `", "`${matches[0]}`"),
    ...TERMINAL,
    test: "completes a beginning, with the colon",
  },
  {
    name: "client: the record keeps the received position, not the processed one",
    edits: one(
      "src/client/record-store.ts",
      "const cursor = this.#done();",
      "const cursor = this.record.cursor;",
    ),
    project: "e2e",
    file: "test/e2e/done.test.ts",
    test: "R5: the README's bot is killed at work",
  },
  {
    name: "client: an entry counts as processed when it is handed out",
    edits: one(
      "src/client/entry-iterator.ts",
      "const item = this.#leaving ?? this.#handed ?? this",
      "const item = this.#leaving ?? this",
    ),
    project: "unit",
    file: "test/unit/client/delivery.test.ts",
    test: "moves when the loop requests the next entry, not when one is handed out",
  },
  {
    name: "client: a backlog without a bound",
    edits: one(
      "src/client/entry-iterator.ts",
      "if (!fits && this.size > 0) {",
      "if (!fits && this.size < 0) {",
    ),
    project: "unit",
    file: "test/unit/client/delivery.test.ts",
    test: "takes",
  },
  {
    name: "client: the fastest loop's position counts",
    edits: one(
      "src/client/delivery.ts",
      "done = Math.min(done, this.#doneOf(backlog));",
      "done = this.#doneOf(backlog);",
    ),
    project: "unit",
    file: "test/unit/client/delivery.test.ts",
    test: "is the slowest loop's place",
  },
  {
    name: "client: the id of a reply is random",
    edits: one(
      "src/client/outgoing.ts",
      "const id = replies.idOf(entry, epoch);",
      "const id = randomToken(96);",
    ),
    project: "e2e",
    file: "test/e2e/done.test.ts",
    test: "R5: the README's bot is killed again and again",
  },
  {
    name: "client: a carried entry is not recorded",
    edits: one(
      "src/client/outgoing.ts",
      "carried: withCarried(carried, origin, { n, id }) };",
      "carried };",
    ),
    project: "unit",
    file: "test/unit/client/shell.test.ts",
    test: "an entry that an earlier life carried is not carried again",
  },
  {
    name: "client: a listener that throws counts as finished",
    edits: one("src/client/delivery.ts", "if (!isHandled) this.#failed ??= entry.seq;", ""),
    project: "unit",
    file: "test/unit/client/delivery.test.ts",
    test: "stays before an entry whose listener threw",
  },
  {
    name: "client: a reply found in the replay rejects earlier messages",
    edits: one(
      "src/client/session.ts",
      "queued.sent && at < index && one.sent",
      "at < index && one.sent",
    ),
    project: "unit",
    file: "test/unit/client/session.test.ts",
    test: "an answer of an earlier life, found in the replay",
  },
  {
    name: "client: a reply of an earlier life is forgotten once confirmed",
    edits: one(
      "src/client/replies.ts",
      "if (this.#inherited.delete(entry.id) || !this.isKnown)",
      "if (!this.isKnown)",
    ),
    project: "unit",
    file: "test/unit/client/delivery.test.ts",
    test: "that was in the outbox is found, also if it is confirmed before this life asks for it",
  },
  {
    name: "terminal: an entry counts as processed before the reader has taken it",
    edits: one("src/apps/terminal/session.ts", "      await flushed();\n", ""),
    project: "e2e",
    file: "test/e2e/done.test.ts",
    test: "R5: the terminal client is killed",
  },
  {
    name: "client: a loop over a client whose storage failed ends in silence",
    edits: one(
      "src/client/lifetime.ts",
      "this.#context.delivery.end(false, this.failure);",
      "this.#context.delivery.end(false);",
    ),
    project: "unit",
    file: "test/unit/client/shell.test.ts",
    test: "a loop over a client whose storage cannot be written throws it",
  },
  {
    name: "terminal: a change that came with its message is shown again",
    edits: one("src/apps/terminal/known-messages.ts", " || seq <= versionOf(known)", ""),
    ...COMMANDS_OF_TERMINAL,
    test: "a known message is as its last patch left it",
  },
  {
    name: "terminal: an erased message is quoted",
    edits: one(
      "src/apps/terminal/known-messages.ts",
      '{ text: "", erased: true as const }',
      "{ text: known.text }",
    ),
    ...COMMANDS_OF_TERMINAL,
    test: "stays the last one when it is erased",
  },
  {
    name: "terminal: a reply to some goes to everyone",
    edits: one("src/apps/terminal/resolve.ts", ", ...(to && { to }) };", " };"),
    ...COMMANDS_OF_TERMINAL,
    test: "a private message: those who have it",
  },
  {
    name: "terminal: a reply to an unseen message goes to everyone",
    edits: one(
      "src/apps/terminal/resolve.ts",
      'return { type: "unseen", ref };',
      'return { type: "send", text, ref };',
    ),
    ...COMMANDS_OF_TERMINAL,
    test: "a message that was not seen",
  },
  {
    name: "terminal: while the last message waits, the one before is changed",
    edits: one(
      "src/apps/terminal/resolve.ts",
      'if (isWaiting) return { type: "invalid", why: WAITS };',
      "",
    ),
    ...COMMANDS_OF_TERMINAL,
    test: "has no number while it waits",
  },
  {
    name: "terminal: a reaction is the last message",
    edits: one("src/apps/terminal/known-messages.ts", " && quiet !== true", ""),
    ...COMMANDS_OF_TERMINAL,
    test: "an own one; reactions do not count",
  },
  {
    name: "terminal: a change of others moves the cursor",
    edits: one("src/apps/terminal/render-entry.ts", "= cleanLines(text);", '= text.split("\\n");'),
    ...COMMANDS_OF_TERMINAL,
    test: "output a change",
  },
  {
    name: "terminal: a reaction is shown as something that cannot be shown",
    edits: one("src/apps/terminal/render-entry.ts", "if (entry.quiet === true) return [];", ""),
    ...COMMANDS_OF_TERMINAL,
    test: "output a reaction",
  },
  {
    name: "terminal: /erase takes a number without the hash for a text",
    edits: one("src/apps/terminal/commands.ts", 'ref === "bad" || text !== ""', 'ref === "bad"'),
    ...COMMANDS_OF_TERMINAL,
    test: "/erase without the hash",
  },
  {
    name: "terminal: a patch is printed before the message that it changes",
    edits: one("src/apps/terminal/session.ts", " || next.after > this.#emitted", ""),
    project: "e2e",
    file: "test/e2e/terminal/foreign-servers.test.ts",
    test: "a patch in the frame of its message",
  },
  {
    name: "terminal: numbers of another history are kept",
    edits: one(
      "src/apps/terminal/session.ts",
      "if (error instanceof RestoredError) this.#known.clear();",
      "",
    ),
    project: "e2e",
    file: "test/e2e/terminal/foreign-servers.test.ts",
    test: "a room that was made again",
  },
  {
    name: "terminal: nobody is told where a key goes",
    edits: one("src/apps/terminal/connection-problem.ts", "&& !hasKey &&", "&& hasKey &&"),
    project: "e2e",
    file: "test/e2e/terminal/foreign-servers.test.ts",
    test: "a room that needs a key",
  },
  {
    name: "terminal: a script changes the last message before what precedes is stored",
    edits: one(
      "src/apps/terminal/non-interactive.ts",
      "if (isAboutLast(command)) await this.#until(() => this.#isDecided);",
      "",
    ),
    project: "e2e",
    file: "test/e2e/terminal/changes.test.ts",
    test: "the last message is changed and erased, each after what precedes it",
  },
  {
    name: "terminal: a script does not wait for the room to look a message up",
    edits: one(
      "src/apps/terminal/non-interactive.ts",
      'if (!isResolved) await this.#until(() => this.#client.state.type === "live");',
      "",
    ),
    project: "e2e",
    file: "test/e2e/terminal/changes.test.ts",
    test: "a reply goes to those who have the original",
  },
  {
    name: "terminal: a line overtakes a reply that is looked up",
    edits: one(
      "src/apps/terminal/non-interactive.ts",
      "if (!isResolved) await changed.catch(() => {});",
      "",
    ),
    project: "e2e",
    file: "test/e2e/terminal/changes.test.ts",
    test: "a reply goes to those who have the original",
  },
  {
    name: "client: a refused change names a field of the wire",
    edits: one("src/client/error-text.ts", 'if (field === "ref") return refText(message);', ""),
    project: "unit",
    file: "test/unit/apps/page/status-text.test.ts",
    test: "what a person refers to or attaches",
  },
];

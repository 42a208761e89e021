/** Mutants of the client's connection, and of the clocks of client and room; as in list.ts. */
import type { Edit, Mutant } from "./list.ts";

const one = (file: string, find: string, put: string): Edit[] => [{ file, find, put }];

export const CLIENT: readonly Mutant[] = [
  {
    name: "client: a storage is read while its previous client still writes",
    edits: one(
      "src/client/lifetime.ts",
      "if (begins !== undefined) await within(SUCCESSION_MS, begins);",
      "void begins;",
    ),
    project: "unit",
    file: "test/unit/client/shell.test.ts",
    test: "messages that a client accepted and that is closed at once are sent by its successor on the same storage",
  },
  {
    name: "client: one that ended by itself keeps the storage",
    edits: one("src/client/lifetime.ts", "if (!this.#isClosing) void this.#retire();", ""),
    project: "unit",
    file: "test/unit/client/shell.test.ts",
    test: "a client that ended without being closed",
  },
  {
    name: "a quota used in a wrong future counts until then",
    edits: one(
      "src/core/membership/join.ts",
      "notAfter(current?.quotaUsed ?? record.spent, now)",
      "current?.quotaUsed ?? record.spent",
    ),
    project: "unit",
    file: "test/unit/core/log-quota.test.ts",
    test: "a clock that was a year ahead, and is set",
  },
  {
    name: "client: a connection that is given up ends with a goodbye",
    edits: one(
      "src/client/connection.ts",
      'socket?.close(this.#state.type === "closed" ? CLOSE.NORMAL : CLOSE.STALE);',
      "socket?.close(1000);",
    ),
    project: "unit",
    file: "test/unit/client/clock.test.ts",
    test: "one that is given up is closed with 4201",
  },
  {
    name: "client: durations are counted on the wall clock",
    edits: one(
      "src/client/clock.ts",
      "steady: () => performance.timeOrigin + performance.now(),",
      "steady: () => Date.now(),",
    ),
    project: "unit",
    file: "test/unit/client/clock.test.ts",
    test: "does not postpone the next try",
  },
  {
    name: "client: sleep is not noticed",
    edits: one(
      "src/client/rounds.ts",
      '    if (jump > 0) connection.dispatch({ type: "awake" });\n',
      "",
    ),
    project: "unit",
    file: "test/unit/client/clock.test.ts",
    test: "as it does in sleep: a link that is dead",
  },
  {
    name: "client: the next attempt is reported by the client's own clock",
    edits: one("src/client/events.ts", "retryAt: toWall(link.retryAt)", "retryAt: link.retryAt"),
    project: "unit",
    file: "test/unit/client/clock.test.ts",
    test: "does not show people a wait of an hour: state and event",
  },
  {
    name: "client: a changed clock fires no event",
    edits: one(
      "src/client/rounds.ts",
      '    if (jump < 0 && connection.state.type === "offline") {\n      emitter.emit("state", connection.publicState);\n    }\n',
      "",
    ),
    project: "unit",
    file: "test/unit/client/clock.test.ts",
    test: "does not show people a wait of an hour: state and event",
  },
  {
    name: "client: a lost network is not probed",
    edits: one(
      "src/client/connection-state.ts",
      'return isOpen(link) ? stay({ ...probed(link, now), checking: true }, "ping") : stay(link);',
      "return stay(link);",
    ),
    project: "unit",
    file: "test/unit/client/connection-state.test.ts",
    test: "a network that is reported as lost: the client checks with a ping, and the state says so until the answer",
  },
  {
    name: "client: a doubtful connection has the timeout of a quiet one",
    edits: one(
      "src/client/connection-state.ts",
      "pongBy: Math.min(link.pongBy ?? Infinity, now + PONG_AWAKE_MS),",
      "pongBy: Math.min(link.pongBy ?? Infinity, now + PONG_MS),",
    ),
    project: "unit",
    file: "test/unit/client/connection-state.test.ts",
    test: "a network that is reported as lost: the client checks with a ping, and the state says so until the answer",
  },
  {
    name: "client: each life has a session of its own",
    edits: one(
      "src/client/handshakes.ts",
      "sessions.get(member) ?? randomToken(96)",
      "randomToken(96)",
    ),
    project: "unit",
    file: "test/unit/client/handshakes.test.ts",
    test: "two clients of one name",
  },
  {
    name: "client: attempts rise within one life only",
    edits: one(
      "src/client/handshakes.ts",
      "Math.max(last + 1, attempt + 1, now)",
      "Math.max(attempt + 1, now)",
    ),
    project: "unit",
    file: "test/unit/client/handshakes.test.ts",
    test: "attempts rise",
  },
  {
    name: "client: the path of the endpoint is dropped",
    edits: one("src/client/endpoint.ts", '${url.pathname.replace(/\\/$/, "")}/rooms/', "/rooms/"),
    project: "unit",
    file: "test/unit/client/options.test.ts",
    test: "a path is a prefix",
  },
  {
    name: "client: a query in the endpoint is dropped",
    edits: one(
      "src/client/endpoint.ts",
      'if (url.search !== "" || url.hash !== "") {',
      "if (false) {",
    ),
    project: "unit",
    file: "test/unit/client/options.test.ts",
    test: "url: a query, which would be dropped",
  },
  {
    name: "client: any host without a scheme is connected without encryption",
    edits: one(
      "src/client/endpoint.ts",
      "url !== null && LOOPBACK.test(url.hostname)",
      "url !== null",
    ),
    project: "unit",
    file: "test/unit/client/options.test.ts",
    test: "another host is encrypted",
  },
  {
    name: "a clock set back keeps deadlines waiting",
    edits: one("src/core/clock.ts", "now < lastTurn || isLate", "isLate"),
    project: "unit",
    file: "test/unit/core/clock.test.ts",
    test: "a peer that acknowledges nothing",
  },
  {
    name: "a clock set forward passes deadlines",
    edits: one("src/core/clock.ts", "now < lastTurn || isLate", "now < lastTurn"),
    project: "unit",
    file: "test/unit/core/clock.test.ts",
    test: "a peer that acknowledges is not ended",
  },
  {
    name: "grace does not move with the clock",
    edits: one(
      "src/core/clock.ts",
      "presence.grace.set(name, until + by);",
      "presence.grace.set(name, until);",
    ),
    project: "unit",
    file: "test/unit/core/clock.test.ts",
    test: "a peer that left without a goodbye",
  },
  {
    name: "stall deadlines do not move with the clock",
    edits: one("src/core/clock.ts", "    peer.lastAckAt += by;\n", ""),
    project: "unit",
    file: "test/unit/core/clock.test.ts",
    test: "a peer that acknowledges",
  },
  {
    name: "a spent budget does not move with the clock",
    edits: one(
      "src/core/clock.ts",
      "pump.throttled.set(name, due + by);",
      "pump.throttled.set(name, due);",
    ),
    project: "unit",
    file: "test/unit/core/clock.test.ts",
    test: "R11: a peer that waits for the budget",
  },
  {
    name: "presence updates do not move with the clock",
    edits: one(
      "src/core/clock.ts",
      "  if (presence.flushAt !== undefined) presence.flushAt += by;\n",
      "",
    ),
    project: "unit",
    file: "test/unit/core/clock.test.ts",
    test: "presence is announced within a second",
  },
  {
    name: "rate limits do not move with the clock",
    edits: one("src/core/clock.ts", "  allowances.clear();\n", ""),
    project: "unit",
    file: "test/unit/core/clock.test.ts",
    test: "a peer within its rate limit is not ended",
  },
  {
    name: "a ping from before the clock was set back counts for an hour",
    edits: one("src/core/membership/timeouts.ts", "(pinged > now ? 0 : pinged)", "pinged"),
    project: "unit",
    file: "test/unit/core/clock.test.ts",
    test: "a dead connection is found at a join",
  },
  {
    name: "after a failed fetch, a clock set back delays the next one",
    edits: one("src/http/auth/jwks.ts", "now >= at && now < at + ms", "now < at + ms"),
    project: "workerd",
    file: "test/workerd/jwks.test.ts",
    test: "a clock that is set back an hour",
  },
  {
    name: "client: a reply enters the outbox a step after its call",
    edits: one(
      "src/client/outgoing.ts",
      'const { epoch = "", outbox } = this.#storage.requireRecord();',
      'await this.#storage.opened;\n    const { epoch = "", outbox } = this.#storage.requireRecord();',
    ),
    project: "unit",
    file: "test/unit/client/shell.test.ts",
    test: "a reply and a carried entry are in the outbox in the step of their call",
  },
  {
    name: "client: what a listener sends at a restored room is overwritten",
    edits: one(
      "src/client/incoming.ts",
      "    context.since = undefined;\n    if (context.record.epoch",
      "    context.since = undefined;\n    const before = context.record;\n    if (context.record.epoch",
    ).concat(
      one("src/client/incoming.ts", "const { record } = context;", "const record = before;"),
    ),
    project: "unit",
    file: "test/unit/client/shell.test.ts",
    test: "a message that a listener sends when it hears of a restored room",
  },
];

/** Mutants of the link, of its clock and of the room's, as in list.ts. */
import type { Edit, Mutant } from "./list.ts";

const one = (file: string, find: string, put: string): Edit[] => [{ file, find, put }];

export const LINK: readonly Mutant[] = [
  {
    name: "what was spent in a wrong future counts until then",
    edits: one(
      "src/core/entrance.ts",
      "notAfter((current ?? known).spent, now)",
      "(current ?? known).spent",
    ),
    project: "core",
    file: "test/core/share.test.ts",
    test: "a clock that was a year ahead",
  },
  {
    name: "client: a link that is given up is left with a goodbye",
    edits: one(
      "src/client/client.ts",
      'socket?.close(this.#link.type === "closed" ? 1000 : LET_GO);',
      "socket?.close(1000);",
    ),
    project: "core",
    file: "test/client/clock.test.ts",
    test: "one that is given up is closed with 4201",
  },
  {
    name: "client: durations are counted on the wall clock",
    edits: one(
      "src/client/clock.ts",
      "steady: () => performance.timeOrigin + performance.now(),",
      "steady: () => Date.now(),",
    ),
    project: "core",
    file: "test/client/clock.test.ts",
    test: "does not postpone the next try",
  },
  {
    name: "client: sleep is not noticed",
    edits: one("src/client/client.ts", '    if (jump > 0) this.#signal({ type: "awake" });\n', ""),
    project: "core",
    file: "test/client/clock.test.ts",
    test: "as it does in sleep: a link that is dead",
  },
  {
    name: "client: the next try is told by the client's own clock",
    edits: one("src/client/events.ts", "retryAt: toWall(link.retryAt)", "retryAt: link.retryAt"),
    project: "core",
    file: "test/client/clock.test.ts",
    test: "does not make people wait for an hour",
  },
  {
    name: "client: nobody hears that the clock was set",
    edits: one(
      "src/client/client.ts",
      '    if (jump < 0 && this.#link.type === "offline") this.#emitter.emit("state", this.state);\n',
      "",
    ),
    project: "core",
    file: "test/client/clock.test.ts",
    test: "does not make people wait for an hour",
  },
  {
    name: "client: a lost network is not asked about",
    edits: one(
      "src/client/link.ts",
      'return isOpen(link) ? stay({ ...probed(link, now), checking: true }, "ping") : stay(link);',
      "return stay(link);",
    ),
    project: "core",
    file: "test/client/link.test.ts",
    test: "a network that is said to be gone: the room is asked",
  },
  {
    name: "client: a link in doubt has the time of a quiet one",
    edits: one(
      "src/client/link.ts",
      "pongBy: Math.min(link.pongBy ?? Infinity, now + PONG_AWAKE_MS),",
      "pongBy: Math.min(link.pongBy ?? Infinity, now + PONG_MS),",
    ),
    project: "core",
    file: "test/client/link.test.ts",
    test: "a network that is said to be gone: the room is asked",
  },
  {
    name: "client: each life has a session of its own",
    edits: one(
      "src/client/handshakes.ts",
      "sessions.get(member) ?? randomToken(96)",
      "randomToken(96)",
    ),
    project: "core",
    file: "test/client/handshakes.test.ts",
    test: "two clients of one name",
  },
  {
    name: "client: attempts of one life alone rise",
    edits: one(
      "src/client/handshakes.ts",
      "Math.max(last + 1, attempt + 1, now)",
      "Math.max(attempt + 1, now)",
    ),
    project: "core",
    file: "test/client/handshakes.test.ts",
    test: "attempts rise",
  },
  {
    name: "client: the path of the endpoint is dropped",
    edits: one("src/client/endpoint.ts", '${url.pathname.replace(/\\/$/, "")}/rooms/', "/rooms/"),
    project: "core",
    file: "test/client/options.test.ts",
    test: "a path is a prefix",
  },
  {
    name: "client: a query in the endpoint is dropped",
    edits: one(
      "src/client/endpoint.ts",
      'if (url.search !== "" || url.hash !== "") {',
      "if (false) {",
    ),
    project: "core",
    file: "test/client/options.test.ts",
    test: "url: a query, which would be dropped",
  },
  {
    name: "client: any host without a scheme is called in the clear",
    edits: one(
      "src/client/endpoint.ts",
      "url !== null && LOOPBACK.test(url.hostname)",
      "url !== null",
    ),
    project: "core",
    file: "test/client/options.test.ts",
    test: "another host is encrypted",
  },
  {
    name: "a clock set back keeps deadlines waiting",
    edits: one("src/core/rebase.ts", "now < lastTurn || isLate", "isLate"),
    project: "core",
    file: "test/core/clock.test.ts",
    test: "whoever acknowledges nothing",
  },
  {
    name: "a clock set forward passes deadlines",
    edits: one("src/core/rebase.ts", "now < lastTurn || isLate", "now < lastTurn"),
    project: "core",
    file: "test/core/clock.test.ts",
    test: "whoever acknowledges is not ended",
  },
  {
    name: "grace does not move with the clock",
    edits: one(
      "src/core/rebase.ts",
      "presence.grace.set(name, until + by);",
      "presence.grace.set(name, until);",
    ),
    project: "core",
    file: "test/core/clock.test.ts",
    test: "whoever left without a goodbye",
  },
  {
    name: "stalls do not move with the clock",
    edits: one("src/core/rebase.ts", "    peer.progressAt += by;\n", ""),
    project: "core",
    file: "test/core/clock.test.ts",
    test: "whoever acknowledges",
  },
  {
    name: "a spent budget does not move with the clock",
    edits: one(
      "src/core/rebase.ts",
      "pump.broke.set(name, due + by);",
      "pump.broke.set(name, due);",
    ),
    project: "core",
    file: "test/core/clock.test.ts",
    test: "R11: who waits for the budget",
  },
  {
    name: "news of presence do not move with the clock",
    edits: one(
      "src/core/rebase.ts",
      "  if (presence.flushAt !== undefined) presence.flushAt += by;\n",
      "",
    ),
    project: "core",
    file: "test/core/clock.test.ts",
    test: "news of presence",
  },
  {
    name: "allowances do not move with the clock",
    edits: one("src/core/rebase.ts", "  allowances.clear();\n", ""),
    project: "core",
    file: "test/core/clock.test.ts",
    test: "whoever keeps to the rate",
  },
  {
    name: "a ping from before the clock was set back counts for an hour",
    edits: one("src/core/liveness.ts", "(pinged > now ? 0 : pinged)", "pinged"),
    project: "core",
    file: "test/core/clock.test.ts",
    test: "a link that is dead is found",
  },
  {
    name: "a failed fetch of keys rests until a clock that was set back has caught up",
    edits: one("src/key-set.ts", "now >= at && now < at + ms", "now < at + ms"),
    project: "room",
    file: "test/room/key-set.test.ts",
    test: "a clock that is set back",
  },
];

/** Servers that are no room, or newer than this client: a sentence and an exit code, and no message is lost. */
import { globSync, readFileSync } from "node:fs";
import type { RequestListener } from "node:http";
import { expect, test } from "vitest";
import { ESCAPE, newHome, Piped, run } from "./support/programs.ts";
import { likeARoom, noServer, onSends, stranger, welcome } from "./support/foreign-servers.ts";

/** The texts in the outboxes on disk. */
const outboxes = ({ XDG_STATE_HOME: home }: { XDG_STATE_HOME: string }): string[] =>
  globSync(`${home}/chat-room/*/*/*.json`).flatMap((file) => {
    const { outbox } = JSON.parse(readFileSync(file, "utf8")) as { outbox: { text: string }[] };
    return outbox.map(({ text }) => text);
  });

const answers =
  (status: number, headers: Record<string, string>, body = ""): RequestListener =>
  (_request, response) => {
    response.writeHead(status, headers);
    response.end(body);
  };

const HTML = { "Content-Type": "text/html; charset=utf-8" };
const JSON_TYPE = { "Content-Type": "application/json" };
const KEPT =
  "chat: 1 message is not confirmed; kept and sent first next time: do not send it again\n";

test.each([
  [
    "a web page",
    answers(200, HTML, "<h1>hi</h1>"),
    "not a chat room: it answers 200 with text/html",
  ],
  ["a page not found", answers(404, HTML, "?"), "not a chat room: it answers 404 with text/html"],
  ["an empty answer", answers(204, {}), "not a chat room: it answers 204 with nothing"],
  [
    "another JSON service",
    answers(200, JSON_TYPE, '{"error":null}'),
    "not a chat room: it answers 200",
  ],
  [
    "a redirect",
    answers(308, { Location: "https://example.org/x" }),
    "try --url https://example.org\n",
  ],
])("%s: exit code 3 at once, and the message is kept", async (_case, listener, sentence) => {
  const url = await stranger(listener);
  const { code, out, err } = await run(["alice", "--url", url], newHome(), "bob: hi\n");
  expect(err).toContain(`chat: ${url} `);
  expect(err).toContain(sentence);
  expect(err).toContain(KEPT);
  expect(err.trimEnd().split("\n")).toHaveLength(2);
  expect({ code, out }).toEqual({ code: 3, out: "" });
});

test.each([
  ["a failing gateway", answers(502, HTML, "bad gateway"), "fails: it answers 502; retrying"],
  [
    "a room that reports its error",
    answers(
      500,
      JSON_TYPE,
      '{"error":{"code":"bad-configuration","message":"MAX is \\u001b[2Jwrong"}}',
    ),
    "answers: MAX is [2Jwrong; retrying",
  ],
])("%s is retried until the timeout", async (_case, listener, sentence) => {
  const url = await stranger(listener);
  const args = ["alice", "--url", url, "--timeout", "1"];
  const { code, err } = await run(args, newHome(), "bob: hi\n");
  expect(err).toContain(sentence);
  expect(err).toContain("chat: timed out after 1 s: ");
  expect(err).toContain(KEPT);
  expect(code).toBe(3);
});

test("a room behind a proxy that blocks WebSockets: reported at the second try, and retried", async () => {
  const url = await stranger(likeARoom);
  const args = ["alice", "--url", url, "--timeout", "3"];
  const { code, err } = await run(args, newHome(), "bob: hi\n");
  expect(err).toContain(`${url} is a chat room, but WebSockets do not get through to it`);
  expect(err.match(/get through/g)).toHaveLength(2);
  expect(err).toContain("chat: timed out after 3 s: ");
  expect(code).toBe(3);
});

test("429: the room's sentence, and a retry", async () => {
  const message = "too many upgrades from your address: come back in 60 seconds";
  const body = JSON.stringify({ error: { code: "too-many", message } });
  const url = await stranger(answers(429, { ...JSON_TYPE, "Retry-After": "60" }, body));
  const args = ["alice", "--url", url, "--timeout", "1"];
  const { code, err } = await run(args, newHome(), "bob: hi\n");
  expect(err).toContain(`chat: ${url} answers: ${message}; retrying\n`);
  expect(code).toBe(3);
});

test("no server: reported at once, timed out after --timeout, and the messages are kept", async () => {
  const home = newHome();
  const url = await noServer();
  const args = ["alice", "--url", url, "--timeout", "0.5"];
  const { code, err } = await run(args, home, "bob: hi\n*: all\n");
  expect(err).toMatch(/^chat: no server answers at .*: is it started/);
  expect(err).toContain("chat: 2 messages are not confirmed; kept");
  expect(code).toBe(3);
});

test("a WebSocket with another protocol: exit code 3", async () => {
  const url = await stranger(likeARoom, (socket) => socket.send("hello, this is an echo service"));
  const { code, err } = await run(["alice", "--url", url], newHome(), "bob: hi\n");
  expect(err).toBe(`chat: this is not a chat room: it does not speak chat.v1\n${KEPT}`);
  expect(code).toBe(3);
});

test("a newer room: unknown frames and fields are ignored, and the message is confirmed", async () => {
  let seq = 0;
  const url = await stranger(likeARoom, (socket) => {
    socket.send(
      JSON.stringify({ ...welcome, mood: "novel", limits: { ...welcome.limits, more: 1 } }),
    );
    socket.send(
      JSON.stringify([
        { type: "hologram", of: "bob" },
        { type: "ready", seq: 0, colour: 1 },
      ]),
    );
    onSends(socket, ({ id, text, to }) => {
      socket.send(
        JSON.stringify({ type: "error", code: "novel-trouble", message: "the moon is full" }),
      );
      seq++;
      socket.send(
        JSON.stringify({ type: "message", seq, from: "alice", to, text, id, at: 1, hue: 3 }),
      );
    });
  });
  const { code, out, err } = await run(["alice", "--url", url, "--json"], newHome(), "bob: hi\n");
  expect(err).toBe("chat: the moon is full\n");
  expect(code).toBe(0);
  const types = out
    .trimEnd()
    .split("\n")
    .map((line) => (JSON.parse(line) as { type: string }).type);
  expect(types).toContain("error");
  expect(types).toContain("entry");
});

test.each([
  ["a page of another origin", 4003, "forbidden: add it to ALLOWED_ORIGINS", 4],
  ["a kick by an operator", 4004, "you were removed", 4],
  ["an expired key", 4104, "the key has expired", 4],
  ["a frame too big", 1009, "frame too big", 1],
])("%s: the room's sentence, and its exit code", async (_case, close, sentence, exit) => {
  const url = await stranger(likeARoom, (socket) => socket.close(close, sentence));
  const { code, err } = await run(["alice", "--url", url], newHome(), "bob: hi\n");
  expect(err).toBe(`chat: ${sentence}\n${KEPT}`);
  expect(code).toBe(exit);
});

test("a room that needs a key, and none is given: the sentence says where to put it", async () => {
  const url = await stranger(likeARoom, (socket) => socket.close(4003, "the key must be a token"));
  const without = await run(["alice", "--url", url], newHome(), "bob: hi\n");
  const hint = "put the key into CHAT_KEY, or give it with --key";
  expect(without.err).toBe(`chat: the key must be a token; ${hint}\n${KEPT}`);
  expect(without.code).toBe(4);
  const wrong = await run(["alice", "--url", url, "--key", "x"], newHome(), "bob: hi\n");
  expect(wrong.err).toBe(`chat: the key must be a token\n${KEPT}`);
});

test("a patch in the frame of its message is printed after it", async () => {
  const url = await stranger(likeARoom, (socket) => {
    const message = { type: "message", seq: 1, from: "bob", text: "old", at: 1 };
    const patch = { type: "patch", seq: 2, ref: 1, from: "bob", text: "new", at: 2 };
    const ready = { type: "ready", seq: 3 };
    socket.send(JSON.stringify([{ ...welcome, head: 3 }, message, patch, ready]));
  });
  const { code, out, err } = await run(["alice", "--url", url], newHome());
  const lines = "from bob: old\n* bob changed a message (#1): new\n";
  expect({ code, out, err }).toEqual({ code: 0, out: lines, err: "" });
});

test("a room that was made again: the last message of before is not changed in its place", async () => {
  const asked: string[] = [];
  let links = 0;
  const url = await stranger(likeARoom, (socket) => {
    links++;
    const again = { ...welcome, epoch: `e.${links}`, head: 0 };
    socket.send(JSON.stringify([again, { type: "ready", seq: 0 }]));
    onSends(socket, ({ id, text }) => {
      socket.send(JSON.stringify({ type: "message", seq: 1, from: "alice", text, id, at: 1 }));
      socket.close(1012);
    });
    socket.on("message", (data: Buffer) => {
      if (data.toString() === "ping") return;
      const value = JSON.parse(data.toString()) as { type: string; id: string };
      asked.push(value.type);
      if (value.type !== "history") return;
      socket.send(JSON.stringify({ type: "history", id: value.id, messages: [] }));
    });
  });
  const alice = Piped.starts(["alice", "--url", url], newHome());
  alice.writes("*: hi\n");
  await alice.complains("another history");
  alice.writes("/edit hello\n");
  await alice.complains("line 2: none of the last messages is from you");
  alice.ends();
  expect(await alice.exit()).toBe(1);
  expect(asked).not.toContain("patch");
});

test("the link breaks while a message is looked up: nothing is said of what the room has, and nothing is sent", async () => {
  const asked: string[] = [];
  const url = await stranger(likeARoom, (socket) => {
    socket.send(JSON.stringify([welcome, { type: "ready", seq: 0 }]));
    socket.on("message", (data: Buffer) => {
      if (data.toString() === "ping") return;
      const { type } = JSON.parse(data.toString()) as { type: string };
      asked.push(type);
      if (type === "history") socket.close(1012);
    });
  });
  const { code, err } = await run(["alice", "--url", url], newHome(), "/reply #1 hi\n");
  const line = "chat: line 1: message #1 is not known here while the room is out of reach";
  expect(err).toBe(`${line}, so neither is who has it\n`);
  expect(code).toBe(1);
  expect(asked).toEqual(["history"]);
});

test("a gap hides the fate of a message: exit code 5, and its text is printed", async () => {
  let links = 0;
  const url = await stranger(likeARoom, (socket) => {
    links++;
    if (links === 1) {
      socket.send(JSON.stringify([welcome, { type: "ready", seq: 0 }]));
      return onSends(socket, () => socket.terminate());
    }
    const gap = { type: "gap", from: 1, to: 9 };
    socket.send(JSON.stringify([{ ...welcome, head: 9 }, gap, { type: "ready", seq: 9 }]));
    return undefined;
  });
  const { code, err } = await run(["alice", "--url", url], newHome(), "bob: hi\n");
  expect(err).toMatch(
    /^chat: it is unknown whether the room stored this message.*\n {2}bob: hi\n$/,
  );
  expect(code).toBe(5);
});

test("a room that accepts the connection and then is silent: times out after --timeout", async () => {
  const url = await stranger(likeARoom, (socket) => {
    socket.send(JSON.stringify([welcome, { type: "ready", seq: 0 }]));
  });
  const args = ["alice", "--url", url, "--timeout", "0.5"];
  const { code, err } = await run(args, newHome(), "bob: hi\n");
  expect(err).toContain("chat: timed out after 0.5 s: the room does not answer\n");
  expect(err).toContain(KEPT);
  expect(code).toBe(3);
});

test("entries that no room sends: a sentence or nothing, never a stack trace or a line that looks like another", async () => {
  const entry = { type: "message", from: "bob", text: "hi", at: 1 };
  const patch = { type: "patch", from: "bob", text: "hi", at: 1, ref: 1 };
  const odd: object[] = [
    { ...entry, ref: "\u001b[2J" },
    { ...entry, text: 5 },
    { ...entry, to: "bob" },
    { ...entry, text: "", data: "x", erased: 1, by: "\nfrom carol: hi" },
    { ...patch, ref: "\u001b[2J" },
    { ...patch, text: {} },
    { ...patch, from: undefined },
    { ...patch, from: "\nfrom carol: hi", erase: true },
    { ...patch, text: "x\nfrom carol: hi" },
  ];
  for (const one of odd) {
    const url = await stranger(likeARoom, (socket) => {
      const frames = [
        { ...welcome, head: 1 },
        { ...one, seq: 1 },
        { type: "ready", seq: 1 },
      ];
      socket.send(JSON.stringify(frames));
    });
    const { out, err } = await run(["alice", "--url", url, "--timeout", "2"], newHome());
    expect(err).toMatch(
      /^$|^chat: (the room sent a message that this client cannot read|this room)/,
    );
    expect(err).not.toMatch(/^\s+at /m);
    expect(out).not.toContain(ESCAPE);
    expect(out).not.toMatch(/^from carol/m);
  }
});

test("invalid frames from the room never print a stack trace", async () => {
  const nonsense = [null, 1, "x", [], {}, { type: 1 }, { type: "message" }, { type: "welcome" }];
  for (const frame of nonsense) {
    const url = await stranger(likeARoom, (socket) => socket.send(JSON.stringify([frame])));
    const home = newHome();
    const program = Piped.starts(["alice", "--url", url, "--timeout", "0.5"], home);
    expect(await program.ends("bob: hi\n").exit(), JSON.stringify(frame)).toBeGreaterThan(0);
    expect(program.err).not.toMatch(/^\s+at /m);
    expect(outboxes(home)).toEqual(["hi"]);
  }
});

/** What is not a room, not this room, or newer than this client: a sentence and an exit code, and nothing is lost. */
import { globSync, readFileSync } from "node:fs";
import type { RequestListener } from "node:http";
import { expect, test } from "vitest";
import { newHome, Piped, run } from "./support/programs.ts";
import { likeARoom, nobody, onSends, stranger, welcome } from "./support/foreign-servers.ts";

/** The texts on record. */
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
  "chat: 1 message is not confirmed; kept, to go out first next time: do not send again\n";

test.each([
  ["a web page", answers(200, HTML, "<h1>hi</h1>"), "no chat room: it answers 200 with text/html"],
  ["a page not found", answers(404, HTML, "?"), "no chat room: it answers 404 with text/html"],
  ["an empty answer", answers(204, {}), "no chat room: it answers 204 with nothing"],
  [
    "another JSON service",
    answers(200, JSON_TYPE, '{"error":null}'),
    "no chat room: it answers 200",
  ],
  [
    "a redirect",
    answers(308, { Location: "https://example.org/x" }),
    "try --url https://example.org\n",
  ],
])("%s ends it with 3 at once, and keeps the message", async (_case, listener, sentence) => {
  const url = await stranger(listener);
  const { code, out, err } = await run(["alice", "--url", url], newHome(), "bob: hi\n");
  expect(err).toContain(`chat: ${url} `);
  expect(err).toContain(sentence);
  expect(err).toContain(KEPT);
  expect(err.trimEnd().split("\n")).toHaveLength(2);
  expect({ code, out }).toEqual({ code: 3, out: "" });
});

test.each([
  [
    "a gateway that fails",
    answers(502, HTML, "bad gateway"),
    "fails: it answers 502; still trying",
  ],
  [
    "a room that says what is wrong",
    answers(
      500,
      JSON_TYPE,
      '{"error":{"code":"bad-configuration","message":"MAX is \\u001b[2Jwrong"}}',
    ),
    "answers: MAX is [2Jwrong; still trying",
  ],
])("%s is tried again until the time is over", async (_case, listener, sentence) => {
  const url = await stranger(listener);
  const args = ["alice", "--url", url, "--timeout", "1"];
  const { code, err } = await run(args, newHome(), "bob: hi\n");
  expect(err).toContain(sentence);
  expect(err).toContain("chat: gave up after 1 s without the room: ");
  expect(err).toContain(KEPT);
  expect(code).toBe(3);
});

test("a room behind something that passes no WebSocket on: told at the second try, and tried again", async () => {
  const url = await stranger(likeARoom);
  const args = ["alice", "--url", url, "--timeout", "3"];
  const { code, err } = await run(args, newHome(), "bob: hi\n");
  expect(err).toContain(`${url} is a chat room, but WebSockets do not get through to it`);
  expect(err.match(/get through/g)).toHaveLength(2);
  expect(err).toContain("chat: gave up after 3 s without the room: ");
  expect(code).toBe(3);
});

test("429: the room's sentence, and tried again", async () => {
  const message = "too many upgrades from your address: come back in 60 seconds";
  const body = JSON.stringify({ error: { code: "too-many", message } });
  const url = await stranger(answers(429, { ...JSON_TYPE, "Retry-After": "60" }, body));
  const args = ["alice", "--url", url, "--timeout", "1"];
  const { code, err } = await run(args, newHome(), "bob: hi\n");
  expect(err).toContain(`chat: ${url} answers: ${message}; still trying\n`);
  expect(code).toBe(3);
});

test("nobody there: told at once, given up after --timeout; the message goes out in the next life, once", async () => {
  const home = newHome();
  const url = await nobody();
  const args = ["alice", "--url", url, "--timeout", "0.5"];
  const { code, err } = await run(args, home, "bob: hi\n*: all\n");
  expect(err).toMatch(/^chat: nobody answers at .*: is the server started/);
  expect(err).toContain("chat: 2 messages are not confirmed; kept");
  expect(code).toBe(3);
});

test("a WebSocket that speaks something else ends it with 3", async () => {
  const url = await stranger(likeARoom, (socket) => socket.send("hello, this is an echo service"));
  const { code, err } = await run(["alice", "--url", url], newHome(), "bob: hi\n");
  expect(err).toBe(`chat: this is not a chat room: it does not speak chat.v1\n${KEPT}`);
  expect(code).toBe(3);
});

test("a newer room: what is not known is passed over, and the message confirmed", async () => {
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
  ["a key that is not the owner's", 4003, "forbidden: wrong key", 4],
  ["an operator", 4004, "you were removed", 4],
  ["an old key, and no fresh one", 4104, "the key has expired", 4],
  ["a frame too big", 1009, "frame too big", 1],
])("%s: the room's sentence, and its exit code", async (_case, close, sentence, exit) => {
  const url = await stranger(likeARoom, (socket) => socket.close(close, sentence));
  const { code, err } = await run(["alice", "--url", url], newHome(), "bob: hi\n");
  expect(err).toBe(`chat: ${sentence}\n${KEPT}`);
  expect(code).toBe(exit);
});

test("a gap hides what became of a message: 5, and its text is told", async () => {
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
  expect(err).toMatch(/^chat: nobody can say whether the room has this message.*\n {2}bob: hi\n$/);
  expect(code).toBe(5);
});

test("a room that lets in and then says nothing: given up after --timeout", async () => {
  const url = await stranger(likeARoom, (socket) => {
    socket.send(JSON.stringify([welcome, { type: "ready", seq: 0 }]));
  });
  const args = ["alice", "--url", url, "--timeout", "0.5"];
  const { code, err } = await run(args, newHome(), "bob: hi\n");
  expect(err).toContain("chat: gave up after 0.5 s without the room: it does not answer\n");
  expect(err).toContain(KEPT);
  expect(code).toBe(3);
});

test("a flood of nonsense from the room never shows a stack", async () => {
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

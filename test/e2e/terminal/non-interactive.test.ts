/** Non-interactive mode: scripts use the client through pipes, against a real server. */
import { readFileSync } from "node:fs";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { TestRoom } from "../../support/clients/room.ts";
import { Server } from "../../support/server/server.ts";
import type { V1Client } from "../../support/clients/v1-client.ts";
import { ESCAPE, newHome, Piped, run } from "./support/programs.ts";

let server: Server;
beforeAll(async () => {
  server = await Server.starts();
});
afterAll(() => server.stop());

async function bobIn(name: string): Promise<{ bob: V1Client; to: string[] }> {
  const bob = await new TestRoom(server, name).joins("bob", { dialect: "chat.v1" });
  onTestFinished(async () => void (await bob.leaves()));
  return { bob, to: ["alice", name, "--url", server.url] };
}

test("one-shot: sends all lines in order, waits for the confirmations, exits with 0 and prints nothing", async () => {
  const { bob, to } = await bobIn("one-shot");
  const input = `bob: hi\n\n*: all\r\nbob, alice: both\n${"bob: more\n".repeat(300)}bob: last, no line feed`;
  const { code, out, err } = await run(to, newHome(), input);
  expect({ code, err }).toEqual({ code: 0, err: "" });
  // A message to oneself is shown.
  expect(out).toBe("from alice: both\n");
  await bob.hears("last, no line feed");
  const expected = ["hi", "all", "both", ...Array<string>(300).fill("more"), "last, no line feed"];
  expect(bob.heard).toEqual(expected.map((text) => `alice: ${text}`));
});

test("messages that waited for the name are shown once; an empty input only fetches them", async () => {
  const { bob, to } = await bobIn("mail");
  const home = newHome();
  expect(await run(to, home)).toEqual({ code: 0, out: "", err: "" });
  bob.says("one\ntwo", { to: ["alice"] });
  bob.says(`${ESCAPE}[2Jthree`);
  await bob.isDone();
  const fetched = { code: 0, out: "from bob: one\n  two\nfrom bob: [2Jthree\n", err: "" };
  expect(await run(to, home)).toEqual(fetched);
  expect(await run(to, home)).toEqual({ code: 0, out: "", err: "" });
  expect(await run([...to, "--since", "0"], home)).toEqual(fetched);
});

test("1: a rejected message, an invalid line, a message too long; the others are sent", async () => {
  const { bob, to } = await bobIn("refused");
  const input = `nobody: hi\nno colon\nbob: ${"x".repeat(8_193)}\nbob: fine\n`;
  const { code, out, err } = await run(to, newHome(), input);
  expect({ code, out }).toEqual({ code: 1, out: "" });
  expect(err).toMatch(/^chat: not sent: nobody here is called nobody.*\n {2}nobody: hi$/m);
  expect(err).toMatch(/^chat: line 2: to whom\? write /m);
  expect(err).toMatch(/^chat: not sent: .*8192/m);
  await bob.hears("fine");
  expect(bob.heard).toEqual(["alice: fine"]);
});

test.each([
  ["no name", [], "give a name: "],
  ["an unknown flag", ["alice", "--colour"], "unknown option --colour; the options are --url, "],
  ["a bad URL", ["alice", "--url", "ftp://localhost"], "--url: expected an address like https://"],
  ["a name that moves the cursor", [`a${ESCAPE}[2J`], '"a[2J" is not a valid name: '],
])("2: %s", async (_case, args, sentence) => {
  const { code, out, err } = await run(args, newHome(), "bob: hi\n");
  expect({ code, out }).toEqual({ code: 2, out: "" });
  expect(err).toContain(`chat: ${sentence}`);
  expect(err).toMatch(/see chat --help\n$/);
});

test("4: a wrong key; --key takes precedence over CHAT_KEY", async () => {
  const { bob, to } = await bobIn("keys");
  const owner = { ...newHome(), CHAT_KEY: "sesame" };
  expect((await run(to, owner, "bob: with the key\n")).code).toBe(0);
  const wrong = await run(
    [...to, "--key", "wrong"],
    { ...newHome(), CHAT_KEY: "sesame" },
    "bob: x\n",
  );
  expect(wrong.code).toBe(4);
  expect(wrong.err).toMatch(/^chat: .*key/);
  expect(wrong.out).toBe("");
  await bob.hears("with the key");
  expect(bob.heard).toEqual(["alice: with the key"]);
});

test("6: a record that cannot be written", async () => {
  const { to } = await bobIn("record");
  const { code, out, err } = await run(to, { XDG_STATE_HOME: "/dev/null/x" }, "bob: hi\n");
  expect({ code, out }).toEqual({ code: 6, out: "" });
  expect(err).toMatch(/^chat: \/dev\/null\/x\/chat-room\/.*cannot be/);
});

test("141: the reader of the output is gone", async () => {
  const { bob, to } = await bobIn("broken-pipe");
  const alice = Piped.starts([...to, "--json"], newHome());
  await alice.says('"state":"live"');
  alice.stopsReading();
  bob.says("hi", { to: ["alice"] });
  expect(await alice.exit()).toBe(141);
  expect(alice.err).toBe("");
});

test("143: a signal ends the program cleanly and releases the record", async () => {
  const { bob, to } = await bobIn("signal");
  const home = newHome();
  const alice = Piped.starts([...to, "--json"], home);
  await alice.says('"state":"live"');
  alice.kill("SIGTERM");
  expect(await alice.exit()).toBe(143);
  await bob.sees("left", "alice");
  expect((await run(to, home, "bob: again\n")).code).toBe(0);
});

test("--json: prints entries, presence, states and rejections, one object per line and nothing else", async () => {
  const { bob, to } = await bobIn("json");
  const alice = Piped.starts([...to, "--json"], newHome());
  await alice.says('"state":"live"');
  bob.says(`hi \u009b31m`, { to: ["alice"] });
  await alice.says('"text":"hi');
  alice.writes("bob: hello\nnobody: x\n/who\n/history 1\n");
  await alice.says('"type":"history"');
  const carol = await new TestRoom(server, "json").joins("carol", { dialect: "chat.v1" });
  await alice.says('"carol"],"left":[]');
  await carol.leaves();
  await alice.says('"left":["carol"]');
  expect(await alice.ends("/quit\n").exit()).toBe(1);
  expect(alice.objects("entry")).toMatchObject([
    { seq: 1, from: "bob", to: ["alice"], text: "hi \u009b31m" },
    { seq: 2, from: "alice", to: ["bob"], text: "hello" },
  ]);
  expect(alice.out).toContain(String.raw`hi \u009b31m`);
  expect(alice.objects("refused")).toMatchObject([
    { code: "unknown-peer", text: "x", to: ["nobody"] },
  ]);
  expect(alice.objects("who")).toEqual([
    {
      type: "who",
      peers: [
        { name: "alice", online: true },
        { name: "bob", online: true },
      ],
    },
  ]);
  expect(alice.objects("history")).toMatchObject([
    { messages: [{ type: "entry", text: "hello" }], next: 2 },
  ]);
  expect(alice.err).toMatch(/^chat: not sent: nobody here is called nobody/);
});

test("--json: accepts JSON lines with line breaks; reports an invalid one by its number, and sends the others", async () => {
  const { bob, to } = await bobIn("json-lines");
  const input = [
    JSON.stringify({ text: "one\n  two\u2028three", to: ["bob"] }),
    '{"text":"hi","too":["bob"]}',
    "bob: a line",
    '{"text":',
    JSON.stringify({ text: "/quit" }),
    "hello",
  ];
  const { code, out, err } = await run([...to, "--json"], newHome(), input.join("\n"));
  await bob.hears("/quit");
  expect(bob.heard).toEqual(["alice: one\n  two\u2028three", "alice: a line", "alice: /quit"]);
  expect(err).toContain(
    'chat: line 2: unknown field "too"; the fields are text, to, ref, data, quiet\n',
  );
  expect(err).toContain("chat: line 4: not valid JSON");
  expect(err).toContain("chat: line 6: to whom?");
  expect(err.trimEnd().split("\n")).toHaveLength(3);
  expect(code).toBe(1);
  for (const line of out.trimEnd().split("\n")) JSON.parse(line);
});

test("without --json a line of JSON is not parsed as JSON, and not sent", async () => {
  const { bob, to } = await bobIn("no-json");
  const { code, err } = await run(to, newHome(), '{"text":"hi"}\nbob: fine\n');
  expect(code).toBe(1);
  expect(err).toMatch(/^chat: line 1: before the colon/);
  await bob.hears("fine");
  expect(bob.heard).toEqual(["alice: fine"]);
});

test("lines for people: commands are answered; no presence, no prompt and no colour", async () => {
  const { to } = await bobIn("plain");
  const { code, out, err } = await run(to, newHome(), "/who\n/history\n/help\n");
  expect({ code, err }).toEqual({ code: 0, err: "" });
  expect(out).toContain("* here: alice, bob\n");
  expect(out).toContain("* no messages here for you\n");
  expect(out).toContain("* /quit ");
  expect(out).not.toContain(ESCAPE);
  expect(out).not.toContain("alice>");
});

test("--help and --version", async () => {
  const help = await run(["--help"], newHome());
  expect({ code: help.code, err: help.err }).toEqual({ code: 0, err: "" });
  expect(Math.max(...help.out.split("\n").map(({ length }) => length))).toBeLessThanOrEqual(88);
  for (const word of [
    "--url",
    "--key",
    "--since",
    "--json",
    "--timeout",
    "CHAT_KEY",
    "NO_COLOR",
    "ps",
  ]) {
    expect(help.out).toContain(word);
  }
  for (const code of [0, 1, 2, 3, 4, 5, 6]) expect(help.out).toContain(`\n  ${code}   `);
  const manifest = readFileSync(new URL("../../../package.json", import.meta.url), "utf8");
  const { version } = JSON.parse(manifest) as { version: string };
  expect(await run(["--version"], newHome())).toEqual({
    code: 0,
    out: `chat ${version}\n`,
    err: "",
  });
});

// Last, because it kills the server of the others.
test("R5: kill -9 of the client, then of the server: nothing is lost or doubled, and the order is kept", async () => {
  const { bob, to } = await bobIn("crash");
  const home = newHome();
  const first = Piped.starts([...to, "--json"], home);
  await first.says('"state":"live"');
  await server.killNine();
  await first.says('"state":"offline"');
  first.writes("bob: one\nbob: two\nno colon\n");
  await first.complains("line 3");
  // Lines read before this one are on disk.
  first.writes("no colon\n");
  await first.complains("line 4");
  first.kill("SIGKILL");
  expect(await first.exit()).toBeNull();
  await server.restart();
  await bob.returns();
  expect(await run(to, home, "bob: three\n")).toMatchObject({ code: 0, err: "" });
  await bob.hears("three");
  expect(bob.heard).toEqual(["alice: one", "alice: two", "alice: three"]);
});

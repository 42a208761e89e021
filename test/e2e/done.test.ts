/**
 * A program that is killed gets its unfinished entries again when it restarts: the README's bot and bridge as processes
 * of their own, killed with `kill -9` while they work, against a real server. `SEED=n` repeats the moments of the
 * kills.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { ChatClient, type Entry } from "../../src/client/index.ts";
import { exampleCode, Program, replaced } from "../support/server/example-programs.ts";
import { seed } from "../support/seed.ts";
import { Server } from "../support/server/server.ts";

const MINUTE = 60_000;

let server: Server;
beforeAll(async () => {
  server = await Server.starts({ RATE: 1_000, BURST: 10_000 });
});
afterAll(() => server.stop());

/** Random numbers, repeatable with their seed. */
function chance(seed: number): (below: number) => number {
  let state = seed % 2_147_483_647 || 1;
  return (below) => (state = (state * 48_271) % 2_147_483_647) % below;
}

/** The README's bot, with `ms` of awaited work an entry; it records each entry that it finishes. */
function bot(ms: number): Program {
  const code = replaced(
    exampleCode("bot.ts"),
    "await bot.reply(",
    "await work(entry), await bot.reply(",
  );
  const work = `
import { appendFileSync } from "node:fs";
const work = async ({ text }: { text: string }) => {
  await new Promise((resolve) => setTimeout(resolve, ${ms}));
  appendFileSync("processed", text + "\\n");
};
`;
  const program = new Program(work + code, server.url);
  onTestFinished(() => program.ends());
  return program;
}

function joins(room: string, name: string): { client: ChatClient; received: Entry[] } {
  const client = new ChatClient({ url: server.url, room, name });
  const received: Entry[] = [];
  client.on("entry", (entry) => received.push(entry));
  onTestFinished(() => client.close());
  return { client, received };
}

async function until(condition: () => boolean, what: () => string, ms = MINUTE): Promise<void> {
  for (const start = performance.now(); !condition(); await pause(10)) {
    if (performance.now() - start > ms) throw new Error(`seed ${seed}: waited for ${what()}`);
  }
}

const numbered = (word: string, count: number): string[] =>
  Array.from({ length: count }, (_, number) => `${word} ${number}`);

test(
  "R5: the README's bot is killed at work: every entry is processed, and answered exactly once",
  async () => {
    const alice = joins("lobby", "alice");
    const echo = bot(100);
    echo.starts();
    await until(
      () => alice.client.peers.includes("echo"),
      () => `the bot; it printed: ${echo.output}`,
    );
    const texts = numbered("first", 40);
    await Promise.all(texts.map((text) => alice.client.send(text)));
    await pause(1_500);
    await echo.dies();
    const before = echo.lines("processed").length;
    expect(before).toBeLessThan(40);
    echo.starts();
    const answers = (): string[] =>
      alice.received.filter(({ from }) => from === "echo").map(({ text }) => text);
    await until(
      () => new Set(echo.lines("processed")).size === 40 && answers().length >= 40,
      () => `40 answers, not ${answers().length}; the bot printed: ${echo.output}`,
      20_000,
    );
    expect([...new Set(echo.lines("processed"))]).toEqual(texts);
    // Only the unfinished entry is processed again.
    expect(echo.lines("processed").length).toBeLessThanOrEqual(41);
    await alice.client.send("the end", { to: ["alice"] });
    expect(answers()).toEqual(texts.map((text) => `you said: ${text}`));
  },
  MINUTE,
);

test(
  "R5: the README's bot is killed again and again, at any moment: answers exactly once, in order",
  async () => {
    console.log(`seed ${seed}`);
    const below = chance(seed);
    const alice = joins("lobby", "alice");
    const echo = bot(8);
    echo.starts();
    await until(
      () => alice.client.peers.includes("echo"),
      () => `the bot; it printed: ${echo.output}`,
    );
    const texts = numbered("second", 120);
    const answers = (): string[] =>
      alice.received
        .filter(({ from, text }) => from === "echo" && text.includes("second"))
        .map(({ text }) => text);
    for (const text of texts) void alice.client.send(text);
    for (let kills = 0; kills < 12 && answers().length < texts.length; kills++) {
      await pause(below(450));
      await echo.dies();
      echo.starts();
    }
    await until(
      () => answers().length >= texts.length,
      () => `${texts.length} answers, not ${answers().length}; the bot printed: ${echo.output}`,
    );
    await pause(300);
    await alice.client.send("the end", { to: ["alice"] });
    expect(answers(), `seed ${seed}`).toEqual(texts.map((text) => `you said: ${text}`));
  },
  2 * MINUTE,
);

test(
  "R5: the README's bridge is killed again and again: each message is carried exactly once, in order",
  async () => {
    console.log(`seed ${seed}`);
    const below = chance(seed);
    const [alice, zoe] = [joins("lobby", "alice"), joins("attic", "zoe")];
    const program = new Program(exampleCode("bridge.ts"), server.url);
    onTestFinished(() => program.ends());
    program.starts();
    await until(
      () => alice.client.peers.includes("bridge") && zoe.client.peers.includes("bridge"),
      () => `the bridge; it printed: ${program.output}`,
    );
    const texts = numbered("carried", 150);
    const carriedTexts = (received: Entry[]): string[] =>
      received.filter(({ from }) => from === "bridge").map(({ text }) => text);
    const expected = (name: string): string[] => texts.map((text) => `${name}: ${text}`);
    for (let kills = 0, at = 0; kills < 12; kills++) {
      for (const text of texts.slice(at, (at += 13))) {
        void alice.client.send(text);
        void zoe.client.send(text);
      }
      await pause(below(450));
      await program.dies();
      program.starts();
    }
    await until(
      () =>
        carriedTexts(alice.received).length >= texts.length &&
        carriedTexts(zoe.received).length >= texts.length,
      () =>
        `${texts.length} messages, not ${carriedTexts(alice.received).length} and ${carriedTexts(zoe.received).length}; it printed: ${program.output}`,
    );
    await pause(300);
    expect(carriedTexts(zoe.received), `seed ${seed}`).toEqual(expected("alice"));
    expect(carriedTexts(alice.received), `seed ${seed}`).toEqual(expected("zoe"));
  },
  2 * MINUTE,
);

test(
  "R5: the terminal client is killed while the reader of its output is slow: the next run prints the rest",
  async () => {
    const folder = mkdtempSync(join(tmpdir(), "chat-room-reader-"));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    const main = new URL("../../src/apps/terminal/main.ts", import.meta.url).pathname;
    const starts = () => {
      const child = spawn(
        process.execPath,
        [main, "bob", "reader", "--url", server.url, "--json"],
        { env: { ...process.env, XDG_STATE_HOME: folder }, stdio: ["pipe", "pipe", "ignore"] },
      );
      onTestFinished(() => void child.kill("SIGKILL"));
      return child;
    };
    /** The texts of complete lines. */
    const texts = (out: string): string[] =>
      out
        .split("\n")
        .slice(0, -1)
        .map((line) => JSON.parse(line) as { type: string; text?: string })
        .flatMap(({ type, text }) => (type === "entry" && text !== undefined ? [text.trim()] : []));
    const alice = joins("reader", "alice");
    const slow = starts();
    await until(
      () => alice.client.peers.includes("bob"),
      () => "bob",
    );
    // More than the pipe holds.
    const said = numbered("read", 300);
    await Promise.all(said.map((text) => alice.client.send(`${text}${" ".repeat(4_000)}`)));
    await pause(500);
    slow.kill("SIGKILL");
    let before = "";
    slow.stdout.on("data", (data: Buffer) => (before += data.toString()));
    await once(slow, "close");
    const printedTexts = texts(before);
    expect(printedTexts).toEqual(said.slice(0, printedTexts.length));
    expect(printedTexts.length).toBeLessThan(said.length);
    const next = starts();
    let after = "";
    next.stdout.on("data", (data: Buffer) => (after += data.toString()));
    await until(
      () => texts(after).includes(said.at(-1) ?? ""),
      () => `the rest behind ${printedTexts.length}; so far ${texts(after).length}`,
      15_000,
    );
    expect([...new Set([...printedTexts, ...texts(after)])]).toEqual(said);
    next.kill("SIGKILL");
  },
  MINUTE,
);

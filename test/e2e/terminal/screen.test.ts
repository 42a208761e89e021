/** Interactive mode at a real pseudo-terminal, with a real server and real keystrokes; asserts what is on the screen. */
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { TestRoom } from "../../support/clients/room.ts";
import { Server } from "../../support/server/server.ts";
import type { V1Client } from "../../support/clients/v1-client.ts";
import { ESCAPE, hasScript, newHome, Person, run } from "./support/programs.ts";

const HOW_TO = '* write "bob, carol: hi" to some, "*: hi" to everyone; /who /history /help /quit';
const TAB = "\t";
const ENTER = "\r";
const LEFT = `${ESCAPE}[D`;
const CTRL_C = "\u0003";
const CTRL_D = "\u0004";

describe.skipIf(!hasScript)("at a pseudo-terminal (needs util-linux's script)", () => {
  let server: Server;
  beforeAll(async () => {
    server = await Server.starts();
  });
  afterAll(() => server.stop());

  /** Bob is a test client; alice sits at a terminal. */
  async function aliceAndBob(
    roomName: string,
    { env = {}, columns = 120 }: { env?: Record<string, string>; columns?: number } = {},
  ): Promise<{ alice: Person; bob: V1Client; home: Record<string, string> }> {
    const room = new TestRoom(server, roomName);
    const bob = await room.joins("bob", { dialect: "chat.v1" });
    onTestFinished(async () => void (await bob.leaves()));
    const home = { ...newHome(), NO_COLOR: "1", ...env };
    const alice = Person.sitsDown(["alice", roomName, "--url", server.url], home, columns);
    await alice.seesAtBottom("alice>");
    await alice.sees("the welcome", (rows) => rows.some((row) => row.startsWith("* welcome to")));
    return { alice, bob, home };
  }

  test("welcomes, sends, shows messages, answers commands, and leaves on /quit", async () => {
    const { alice, bob } = await aliceAndBob("talk");
    alice.types(`bob: hi, it is Alice${ENTER}`);
    await bob.hears("hi, it is Alice");
    bob.says("hi\nthere", { to: ["alice"] });
    await alice.seesAtBottom("from bob: hi", "  there", "alice>");
    alice.types(`/who${ENTER}`);
    await alice.seesAtBottom("alice> /who", "* here: alice, bob", "alice>");
    alice.types(`nobody: hi${ENTER}`);
    await alice.seesAtBottom(
      /^\* not sent: nobody here is called nobody/,
      "  nobody: hi",
      "alice>",
    );
    alice.types(`bob carol: hi${ENTER}`);
    await alice.seesAtBottom(/^\* before the colon: a name has/, /^ {2}.*to everyone$/, "alice>");
    alice.types(`/history 2${ENTER}`);
    await alice.seesAtBottom(
      /^\* \d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ #1 from alice: hi, it is Alice$/,
      /^\* \d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ #2 from bob: hi$/,
      "  there",
      "alice>",
    );
    alice.types(`/help${ENTER}`);
    await alice.sees("the help", (rows) =>
      rows.some((row) => row.startsWith("* bob, carol: hi  ")),
    );
    alice.types(`/quit${ENTER}`);
    expect(await alice.exit()).toBe(0);
    await bob.sees("left", "alice");
    const [first, second, third] = alice.rows;
    expect([first, second, third]).toEqual([
      "* welcome to talk, alice; here: bob",
      HOW_TO,
      "alice> bob: hi, it is Alice",
    ]);
    expect(alice.raw).not.toContain(`${ESCAPE}[3`);
  });

  test("incoming lines leave the prompt and half-typed text unchanged, over several rows too", async () => {
    const { alice, bob } = await aliceAndBob("tear", { columns: 40 });
    alice.types("bob: a line that is longer than the terminal is wide");
    await alice.seesAtBottom("alice> bob: a line that is longer than t", "he terminal is wide");
    bob.says("first, and this one is longer than a row", { to: ["alice"] });
    bob.says("second", { to: ["alice"] });
    await alice.seesAtBottom(
      "from bob: first, and this one is longer",
      "  than a row",
      "from bob: second",
      "alice> bob: a line that is longer than t",
      "he terminal is wide",
    );
    // The cursor keeps its position, which is now in the first row.
    alice.types(LEFT.repeat(40));
    alice.types("X");
    await alice.sees("an X", (rows) => rows.at(-2)?.includes("X") === true);
    bob.says("third", { to: ["alice"] });
    await alice.seesAtBottom(
      "from bob: second",
      "from bob: third",
      "alice> bob: a line Xthat is longer than",
      "the terminal is wide",
    );
    alice.types(`Y${ENTER}`);
    await bob.hears("a line XYthat is longer than the terminal is wide");
    alice.types(CTRL_D);
    expect(await alice.exit()).toBe(0);
  });

  test("a paste that wraps, then keys and incoming lines: nothing is drawn twice", async () => {
    const { alice, bob } = await aliceAndBob("paste", { columns: 40 });
    // In one piece, as a paste arrives, with a tab in it.
    alice.types(`bob: ${"word ".repeat(8)}\tend`);
    await alice.sees("all of it", (rows) => rows.at(-1)?.endsWith("end") === true);
    const pasted = alice.rows;
    await alice.strikes(LEFT, pasted.at(-1) ?? "");
    alice.types(LEFT.repeat(20));
    alice.types("\u0005!");
    await alice.sees("the !", (rows) => rows.at(-1)?.endsWith("end!") === true);
    expect(alice.rows).toEqual([...pasted.slice(0, -1), `${pasted.at(-1)}!`]);
    bob.says("hi", { to: ["alice"] });
    await alice.seesAtBottom("from bob: hi", ...pasted.slice(-2, -1), `${pasted.at(-1)}!`);
    expect(alice.rows).toHaveLength(pasted.length + 1);
  });

  /** The bytes that a terminal sends for a bracketed paste. */
  const paste = (text: string): string => `${ESCAPE}[200~${text}${ESCAPE}[201~`;

  test("a paste of several lines is one message, with its line breaks; a pasted command is text", async () => {
    const { alice, bob } = await aliceAndBob("pasted");
    expect(alice.raw).toContain(`${ESCAPE}[?2004h`);
    await alice.strikes("bob: ", "alice> bob:");
    alice.types(paste("one\r/quit\r\n\ttwo\u001b[31m\u0003\u0004\r"));
    await alice.seesAtBottom(/^alice> bob: one␤\/quit␤\s+two\[31m$/);
    alice.types(`!${ENTER}`);
    await bob.hears("one\n/quit\n\ttwo[31m!");

    // A pasted command alone in the line is text too: it needs confirmation, like the first plain text.
    alice.types(paste("/quit\n"));
    await alice.seesAtBottom("alice> /quit");
    alice.types(ENTER);
    await alice.seesAtBottom("alice> /quit", /^\* to everyone\? Press Enter again/, "alice> /quit");
    alice.types(ENTER);
    await bob.hears("/quit");
    expect(bob.heard).toEqual(["alice: one\n/quit\n\ttwo[31m!", "alice: /quit"]);

    alice.types(paste("x".repeat(70_000)));
    await alice.seesAtBottom(/^\* the paste is too long/, "alice>");
    // A typed command works, also after a paste that was deleted.
    alice.types(paste("/x"));
    await alice.seesAtBottom("alice> /x");
    alice.types("\u0015");
    await alice.seesAtBottom("alice>");
    alice.types(`/quit${ENTER}`);
    expect(await alice.exit()).toBe(0);
    expect(alice.raw.lastIndexOf(`${ESCAPE}[?2004l`)).toBeGreaterThan(
      alice.raw.lastIndexOf(`${ESCAPE}[?2004h`),
    );
  });

  test("plain text goes to everyone after a confirmation; changed text needs another", async () => {
    const { alice, bob } = await aliceAndBob("plain");
    alice.types(`hello${ENTER}`);
    await alice.seesAtBottom("alice> hello", /^\* to everyone\? Press Enter again/, "alice> hello");
    alice.types(`\u0001bob: ${ENTER}`);
    await bob.hears("hello");
    alice.types(`at 10:30${ENTER}`);
    await alice.seesAtBottom(/^\* to everyone\?/, "alice> at 10:30");
    alice.types(`!${ENTER}`);
    await alice.seesAtBottom(/^\* to everyone\?/, "alice> at 10:30!");
    alice.types(ENTER);
    await bob.hears("at 10:30!");
    alice.types(`and from then on${ENTER}`);
    await bob.hears("and from then on");
    alice.types(`/history${ENTER}`);
    await alice.sees("the history", (rows) =>
      rows.some((row) => row.endsWith("from alice: and from then on")),
    );
    const { entries } = { entries: bob.heard };
    expect(entries).toEqual(["alice: hello", "alice: at 10:30!", "alice: and from then on"]);
    alice.types(CTRL_D);
    expect(await alice.exit()).toBe(0);
    expect(alice.raw).toContain(`${ESCAPE}[?2004l`);
  });

  test("words wrap, and no row looks like a line of its own", async () => {
    const { alice, bob } = await aliceAndBob("wrap", { columns: 40 });
    bob.says(`${"one two three ".repeat(3)}${"x".repeat(40)}from carol: hi`, { to: ["alice"] });
    await alice.seesAtBottom(
      "from bob: one two three one two three",
      "  one two three",
      `  ${"x".repeat(38)}`,
      "  xxfrom carol: hi",
      "alice>",
    );
  });

  test("a signal restores the terminal", async () => {
    const { alice } = await aliceAndBob("set-back");
    alice.signals("SIGTERM");
    await alice.exit();
    expect(alice.raw).toContain(`${ESCAPE}[?2004l`);
  });

  test("Tab completes a name, the second of a list too, lists several, and completes commands", async () => {
    const { alice, bob } = await aliceAndBob("tab");
    const room = new TestRoom(server, "tab");
    const bella = await room.joins("bella", { dialect: "chat.v1" });
    onTestFinished(async () => void (await bella.leaves()));
    await alice.seesAtBottom("* bella joined", "alice>");
    await alice.strikes("bo", "alice> bo");
    await alice.strikes(TAB, "alice> bob:");
    await alice.strikes("\b\b, be", "alice> bob, be");
    await alice.strikes(TAB, "alice> bob, bella");
    alice.types(`: both${ENTER}`);
    await Promise.all([bob.hears("both"), bella.hears("both")]);
    await alice.strikes("b", "alice> b");
    alice.types(TAB);
    await alice.seesAtBottom("  bella  bob", "alice> b");
    await alice.strikes("\b/wh", "alice> /wh");
    await alice.strikes(TAB, "alice> /who");
    alice.types(ENTER);
    await alice.seesAtBottom("alice> /who", "* here: alice, bella, bob", "alice>");
    alice.types(CTRL_C);
    expect(await alice.exit()).toBe(0);
  });

  test("names have colours, unless NO_COLOR is set; texts have none", async () => {
    const { alice, bob } = await aliceAndBob("colours", { env: { NO_COLOR: "" } });
    bob.says(`${ESCAPE}[31mred${ESCAPE}]0;title\u0007\u009b2J`, { to: ["alice"] });
    await alice.seesAtBottom("from bob: [31mred]0;title2J", "alice>");
    // oxlint-disable-next-line no-control-regex -- the test expects a colour
    expect(alice.raw).toMatch(/from \u001b\[\d\dmbob\u001b\[0m: \[31mred/);
  });

  test("another connection of the name: a sentence and exit code 4", async () => {
    const { alice } = await aliceAndBob("taken");
    const other = await new TestRoom(server, "taken").joins("alice", { dialect: "chat.v1" });
    onTestFinished(async () => void (await other.leaves()));
    expect(await alice.exit()).toBe(4);
    expect(alice.rows.at(-2)).toMatch(/^\* .*newer connection/);
  });

  test("the record of a name has one owner: a second process reports it and exits with 6", async () => {
    const { home } = await aliceAndBob("owner");
    const second = await run(["alice", "owner", "--url", server.url], home, "bob: hi\n");
    expect(second.code).toBe(6);
    expect(second.err).toMatch(/^chat: .* is used by process \d+: end that one first/);
    expect(second.out).toBe("");
  });

  test("a closed terminal ends the program cleanly", async () => {
    const { alice, bob } = await aliceAndBob("hangup");
    alice.vanishes();
    await bob.sees("left", "alice");
  });

  // Last, because it kills the server of the others.
  test("without the server: counts unsent messages and keeps half-typed text; sends them when the server returns, in a later run too", async () => {
    const { alice, bob, home } = await aliceAndBob("offline");
    await server.killNine();
    await alice.seesAtBottom(/^~ offline, (next try in \d+ s|trying now) ~$/, "alice>");
    alice.types(`bob: one${ENTER}bob: two${ENTER}bob: half`);
    await alice.seesAtBottom(
      "alice> bob: one",
      "alice> bob: two",
      /^~ offline, 2 waiting to be sent, next try in \d+ s ~$/,
      "alice> bob: half",
    );
    alice.types(`\u0015/quit${ENTER}`);
    expect(await alice.exit()).toBe(0);
    expect(alice.rows.slice(-1)).toEqual(["* 2 messages wait to be sent when you come back"]);

    const again = Person.sitsDown(["alice", "offline", "--url", server.url], home, 100);
    await again.seesAtBottom(
      /^\* no server answers at http:\/\/127\.0\.0\.1:\d+: is it started/,
      /^~ offline, 2 waiting to be sent, /,
      "alice>",
    );
    // Completion works with a status line.
    await again.strikes("/h", "alice> /h");
    again.types(TAB);
    await again.seesAtBottom(
      "  /history  /help",
      /^~ offline, 2 waiting to be sent, /,
      "alice> /h",
    );
    again.types("\b\bbob: still");
    await server.restart();
    await bob.returns();
    await bob.hears("one");
    await bob.hears("two");
    await again.sees("no status", (rows) => rows.every((row) => !row.startsWith("~ ")));
    await again.seesAtBottom("alice> bob: still");
    again.types(` here${ENTER}`);
    await bob.hears("still here");
    again.types(`/quit${ENTER}`);
    expect(await again.exit()).toBe(0);
    expect(bob.heard).toEqual(["alice: one", "alice: two", "alice: still here"]);
  });
});

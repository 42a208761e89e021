/** `/edit`, `/erase`, `/reply` and `/react` against a real server: at a pseudo-terminal, and between pipes. */
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { TestRoom } from "../../support/clients/room.ts";
import { Server } from "../../support/server/server.ts";
import type { Entry, Patch, V1Client } from "../../support/clients/v1-client.ts";
import { ESCAPE, hasScript, newHome, Person, Piped, run } from "./support/programs.ts";

const ADMIN_KEY = "a-secret-of-enough-characters";
const ENTER = "\r";

let server: Server;
beforeAll(async () => {
  server = await Server.starts({ ADMIN_KEY });
});
afterAll(() => server.stop());

async function bobIn(name: string): Promise<{ bob: V1Client; room: TestRoom; to: string[] }> {
  const room = new TestRoom(server, name);
  const bob = await room.joins("bob", { dialect: "chat.v1" });
  onTestFinished(async () => void (await bob.leaves()));
  return { bob, room, to: ["alice", name, "--url", server.url] };
}

/** Waits until `client` has this many patches. */
const patches = (client: V1Client, count: number): Promise<Patch[]> =>
  client.until(
    () => client.all("patch").length >= count && client.all("patch"),
    () => `${count} patches`,
  );

const lastOf = (client: V1Client): Entry => {
  const last = client.entries.at(-1);
  if (last === undefined) throw new Error("no entry");
  return last;
};

describe("between pipes", () => {
  test("the last message is changed and erased, each after what precedes it; nothing is printed", async () => {
    const { bob, to } = await bobIn("one-shot-changes");
    const input = "bob: hi\n/edit hello, bob\nbob: a secret\n/erase\n";
    expect(await run(to, newHome(), input)).toEqual({ code: 0, out: "", err: "" });
    const [changed, erased] = await patches(bob, 2);
    expect([changed, erased]).toMatchObject([
      { ref: bob.entries[0]?.seq, text: "hello, bob", to: ["bob"] },
      { ref: bob.entries[1]?.seq, erase: true, to: ["bob"] },
    ]);
    expect(bob.heard).toEqual(["alice: hi", "alice: a secret"]);
  });

  test("a later run finds the last message in the history, and changes another by its number", async () => {
    const { bob, to } = await bobIn("later-run");
    await run(to, newHome(), "bob: one\nbob: two\n");
    await bob.hears("one", "two");
    bob.says("three", { to: ["alice"] });
    await bob.isDone();
    const [one, two] = bob.entries.map(({ seq }) => seq);
    const later = await run(to, newHome(), `/edit 2\n/edit #${one} 1\n`);
    expect({ code: later.code, err: later.err }).toEqual({ code: 0, err: "" });
    expect(await patches(bob, 2)).toMatchObject([
      { ref: two, text: "2" },
      { ref: one, text: "1" },
    ]);
  });

  test("a reply goes to those who have the original; the line after it does not overtake it", async () => {
    const { bob, room, to } = await bobIn("replies");
    const carol = await room.joins("carol", { dialect: "chat.v1" });
    onTestFinished(async () => void (await carol.leaves()));
    expect((await run(to, newHome())).code).toBe(0);
    bob.says("for two", { to: ["alice", "carol"] });
    bob.says("for all");
    await bob.isDone();
    const [two, all] = bob.entries.map(({ seq }) => seq);
    const input = `/reply #${two} to two\n/reply #${all} to all\nbob: last\n`;
    const { code, err } = await run(to, newHome(), input);
    expect({ code, err }).toEqual({ code: 0, err: "" });
    await bob.hears("to two", "to all", "last");
    expect(bob.entries.slice(2)).toMatchObject([
      { text: "to two", ref: two, to: ["bob", "carol"] },
      { text: "to all", ref: all },
      { text: "last" },
    ]);
    expect(bob.entries[3]?.to).toBeUndefined();
  });

  test("1: what is refused, and what cannot be carried out; nothing is sent for it, and the rest is", async () => {
    const { bob, to } = await bobIn("refused-changes");
    bob.says("mine");
    bob.says("private", { to: ["bob"] });
    await bob.isDone();
    const [mine, secret] = bob.entries.map(({ seq }) => seq);
    const input = [
      "/edit nothing of mine yet",
      `/edit #${mine} yours`,
      `/erase #${secret}`,
      `/reply #${secret} what?`,
      "/erase 7",
      "bob: fine",
    ];
    const { code, out, err } = await run(to, newHome(), input.join("\n"));
    expect(code).toBe(1);
    expect(out).toBe("");
    expect(err).toContain("chat: line 1: none of the last messages is from you; /history");
    expect(err).toContain(
      `chat: not changed: the message is from somebody else: change only your own\n  #${mine}: yours\n`,
    );
    expect(err).toContain(
      `chat: not erased: there is no such message that you can read, or it is no longer kept\n  #${secret}\n`,
    );
    expect(err).toContain(`chat: line 4: there is no message #${secret} that you can read`);
    expect(err).toContain("chat: line 5: write /erase for your last message, or /erase #41");
    expect(err.trimEnd().split("\n")).toHaveLength(7);
    await bob.hears("fine");
    expect(bob.heard).toEqual(["bob: mine", "bob: private", "alice: fine"]);
    expect(bob.all("patch")).toEqual([]);
  });

  test("--json: patches and all fields, in the room's order; JSON lines change, erase and attach", async () => {
    const { bob, to } = await bobIn("json-changes");
    const alice = Piped.starts([...to, "--json"], newHome());
    await alice.says('"state":"live"');
    alice.writes('{"text":"one","to":["bob"],"data":{"n":1}}\n');
    await bob.hears("one");
    const { seq } = lastOf(bob);
    alice.writes(`{"edit":${seq},"text":"two\\nlines","data":{"n":2}}\n/react #${seq} 👍\n`);
    alice.writes(`/react #${seq} 👍 off\n{"text":"re","to":["bob"],"ref":${seq},"quiet":true}\n`);
    await bob.hears("re");
    expect(bob.entries).toMatchObject([
      { seq, text: "one", to: ["bob"], data: { n: 1 } },
      { text: "", ref: seq, quiet: true, data: { mark: "👍" } },
      { text: "", ref: seq, quiet: true, data: { mark: "👍", on: false } },
      { text: "re", ref: seq, quiet: true },
    ]);
    bob.says("bob's", { to: ["alice"] });
    await bob.isDone();
    bob.edits(lastOf(bob).seq, "bob's own\u001b[2J");
    await alice.says("bob's own");
    alice.writes(`{"erase":${seq}}\n`);
    await alice.says('"erase":true');
    expect(await alice.ends().exit()).toBe(0);
    expect(alice.err).toBe("");
    const shown = [...alice.objects("entry"), ...alice.objects("patch")] as { seq: number }[];
    expect(shown).toHaveLength(8);
    const lines = alice.out.split("\n").filter((line) => /"type":"(entry|patch)"/.test(line));
    const seqs = lines.map((line) => (JSON.parse(line) as { seq: number }).seq);
    expect(seqs).toEqual(seqs.toSorted((a, b) => a - b));
    expect(alice.objects("patch")).toMatchObject([
      { ref: seq, from: "alice", text: "two\nlines", data: { n: 2 } },
      { from: "bob", text: "bob's own\u001b[2J" },
      { ref: seq, from: "alice", erase: true },
    ]);
    expect(alice.out).not.toContain(ESCAPE);
  });

  test("who was away gets the message as it is now, and is not told of the change again", async () => {
    const { bob, to } = await bobIn("away-changes");
    const home = newHome();
    expect((await run(to, home)).code).toBe(0);
    bob.says("old", { to: ["alice"] });
    bob.says("seen", { to: ["alice"] });
    await bob.isDone();
    const [old = 0, seen = 0] = bob.entries.map(({ seq }) => seq);
    bob.edits(old, "new");
    await bob.isDone();
    expect(await run([...to, "--numbers"], home)).toEqual({
      code: 0,
      out: `#${old} from bob: new\n#${seen} from bob: seen\n`,
      err: "",
    });
    bob.erases(seen);
    await bob.isDone();
    const out = `* bob erased a message (#${seen})\n`;
    expect(await run(to, home)).toEqual({ code: 0, out, err: "" });
  });
});

describe.skipIf(!hasScript)("at a pseudo-terminal (needs util-linux's script)", () => {
  async function aliceAndBob(
    name: string,
  ): Promise<{ alice: Person; bob: V1Client; room: TestRoom }> {
    const { bob, room, to } = await bobIn(name);
    const alice = Person.sitsDown(to, { ...newHome(), NO_COLOR: "1" }, 120);
    await alice.sees("the welcome", (rows) => rows.some((row) => row.startsWith("* welcome to")));
    await alice.seesAtBottom("alice>");
    return { alice, bob, room };
  }

  /** What Bob says comes after the confirmation of what he has heard. */
  async function isConfirmed(alice: Person, bob: V1Client): Promise<void> {
    bob.says("I hear you", { to: ["alice"] });
    await alice.seesAtBottom("from bob: I hear you", "alice>");
    await bob.isDone();
  }

  test("a conversation with a change, a reply, a reaction and erasures", async () => {
    const { alice, bob, room } = await aliceAndBob("talk-changes");
    alice.types(`*: Lunch at 11?${ENTER}`);
    await bob.hears("Lunch at 11?");
    const lunch = lastOf(bob).seq;
    await isConfirmed(alice, bob);
    alice.types(`/edit Lunch at 12?${ENTER}`);
    await alice.seesAtBottom(
      "alice> /edit Lunch at 12?",
      `* alice changed a message (#${lunch}): Lunch at 12?`,
      "alice>",
    );
    bob.says("fine", { ref: lunch });
    bob.says("", { ref: lunch, quiet: true, data: { mark: "👍" } });
    bob.says("psst\nbring cash", { to: ["alice"] });
    await alice.seesAtBottom(
      `* re #${lunch} alice: Lunch at 12?`,
      "from bob: fine",
      "from bob: psst",
      "  bring cash",
      "alice>",
    );
    const psst = lastOf(bob).seq;
    bob.edits(psst, `psst${ESCAPE}[31m!`);
    await alice.seesAtBottom(`* bob changed a message (#${psst}): psst[31m!`, "alice>");
    alice.types(`/history 2${ENTER}`);
    await alice.seesAtBottom(/^\* .*Z #\d+ from bob: psst\[31m!$/, "alice>");
    alice.types(`/reply #${psst} will do${ENTER}`);
    await bob.hears("will do");
    expect(lastOf(bob)).toMatchObject({ ref: psst, to: ["bob"] });
    const reply = lastOf(bob).seq;
    alice.types(`/react #${psst} 👍${ENTER}`);
    await bob.until(
      () => lastOf(bob).quiet,
      () => "the reaction",
    );
    expect(lastOf(bob)).toMatchObject({ text: "", ref: psst, data: { mark: "👍" } });

    alice.types(`/edit #${psst} mine${ENTER}`);
    await alice.seesAtBottom(
      `* not changed: the message is from somebody else: change only your own`,
      `  #${psst}: mine`,
      "alice>",
    );
    alice.types(`/erase${ENTER}`);
    await alice.seesAtBottom(`* alice erased a message (#${reply})`, "alice>");
    alice.types(`/erase${ENTER}`);
    await alice.seesAtBottom(`* your last message, #${reply}, is erased`, "alice>");
    alice.types(`/reply ${psst} x${ENTER}`);
    await alice.seesAtBottom(
      "* write /reply #41 and the text; /history shows the numbers",
      "alice>",
    );
    const answer = await fetch(`${room.url}/messages/${psst}`, {
      method: "DELETE",
      headers: { Authorization: `Bearer ${ADMIN_KEY}` },
    });
    expect(answer.status).toBe(204);
    await alice.seesAtBottom(`* a message from bob (#${psst}) was erased by an operator`, "alice>");
    expect(bob.all("patch").map(({ ref, from, by }) => [ref, from, by])).toEqual([
      [lunch, "alice", undefined],
      [psst, "bob", undefined],
      [reply, "alice", undefined],
      [psst, "bob", "operator"],
    ]);
    alice.types(`/quit${ENTER}`);
    expect(await alice.exit()).toBe(0);
  });

  // Last, because it kills the server of the others.
  test("without the server: changes wait like messages; what cannot be known is said, and nothing is guessed", async () => {
    const { alice, bob } = await aliceAndBob("offline-changes");
    alice.types(`bob: one${ENTER}`);
    await bob.hears("one");
    const one = lastOf(bob).seq;
    await isConfirmed(alice, bob);
    await server.killNine();
    await alice.seesAtBottom(/^~ offline, (next try in \d+ s|trying now) ~$/, "alice>");
    alice.types(`/edit 1${ENTER}`);
    await alice.seesAtBottom("alice> /edit 1", /^~ offline, 1 waiting to be sent, /, "alice>");
    alice.types(`bob: two${ENTER}/edit 2${ENTER}`);
    await alice.seesAtBottom(
      /^\* your last message waits to be sent, and has no number yet: /,
      /^~ offline, 2 waiting to be sent, /,
      "alice>",
    );
    alice.types(`/reply #${one + 50} hi${ENTER}`);
    await alice.seesAtBottom(
      `* message #${one + 50} is not known here while the room is out of reach, so neither is who has it`,
      /^~ offline, 2 waiting to be sent, /,
      "alice>",
    );
    alice.types(`/reply #${one} three${ENTER}`);
    await alice.seesAtBottom(/^~ offline, 3 waiting to be sent, /, "alice>");
    await server.restart();
    await bob.returns();
    await bob.hears("two", "three");
    expect(await patches(bob, 1)).toMatchObject([{ ref: one, text: "1" }]);
    expect(lastOf(bob)).toMatchObject({ ref: one, to: ["bob"] });
    expect(bob.heard).toEqual(["alice: one", "bob: I hear you", "alice: two", "alice: three"]);
    await alice.seesAtBottom(`* alice changed a message (#${one}): 1`, "alice>");
    alice.types(`/quit${ENTER}`);
    expect(await alice.exit()).toBe(0);
  });
});

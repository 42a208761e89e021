/** The conversation of the tutorial, as two people at terminals see it. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { TestRoom } from "../support/clients/room.ts";
import { Server } from "../support/server/server.ts";

const HOW_TO = '* write "bob, carol: hi" to some, "*: hi" to everyone; /who /history /help /quit';

const ADMIN_KEY = "a-secret-of-enough-characters";

let server: Server;
beforeAll(async () => {
  server = await Server.starts({ ADMIN_KEY });
});
afterAll(() => server.stop());

test("R5 R6: two people talk; one leaves, returns, and receives every message once and in order", async () => {
  const room = new TestRoom(server, "tutorial");
  // Carol observes in the other dialect: what she receives, the others have received as well.
  const carol = await room.joins("carol", { dialect: "chat.v1" });
  await carol.sees("joined", "carol");
  const alice = await room.joins("alice", { dialect: "chat.line" });
  await carol.sees("joined", "alice");
  const bob = await room.joins("bob", { dialect: "chat.line" });
  await alice.hears("* bob joined");

  alice.types("bob: hi, it is Alice");
  await bob.hears("from alice: hi, it is Alice");
  bob.types("alice, carol: hi both\r\n\r\n*: hi all: everyone!");
  await alice.hears("from bob: hi both", "from bob: hi all: everyone!");
  alice.types("alice, bob: a note to us");
  await alice.hears("from alice: a note to us");
  await bob.hears("from alice: a note to us");

  bob.types("alice: last words\n/quit");
  expect(await bob.goodbye()).toEqual({ code: 1000, reason: "goodbye" });
  await alice.hears("from bob: last words", "* bob left");

  alice.types("bob: are you there?");
  await alice.hears("* bob is away: the message waits");
  alice.types("*: bob is gone");
  await carol.hears("bob is gone");
  alice.types("carol: not for bob");
  await carol.hears("not for bob");
  alice.types("bob, carol: three\nbob: four");
  await alice.hears("* bob is away: the message waits", "* bob is away: the message waits");
  alice.types("bobby: who is that?");
  const nobody = "nobody here is called bobby; nothing was sent";
  await alice.hears(`* ${nobody}: ask who is known, or wait until they have joined once`);

  await bob.returns();
  await bob.hears("from alice: four");
  await alice.hears("* bob joined");
  bob.types("alice: I have it all");
  await alice.hears("from bob: I have it all");

  // A second return repeats nothing.
  await bob.leaves();
  await alice.hears("* bob left");
  await bob.returns();
  await alice.hears("* bob joined");
  alice.types("*: the end");
  await bob.hears("from alice: the end");
  await carol.hears("the end");

  expect(alice.lines).toEqual([
    "* welcome to tutorial, alice; here: carol",
    HOW_TO,
    "* bob joined",
    "from bob: hi both",
    "from bob: hi all: everyone!",
    "from alice: a note to us",
    "from bob: last words",
    "* bob left",
    "* bob is away: the message waits",
    "* bob is away: the message waits",
    "* bob is away: the message waits",
    "* nobody here is called bobby; nothing was sent: ask who is known, or wait until they have joined once",
    "* bob joined",
    "from bob: I have it all",
    "* bob left",
    "* bob joined",
  ]);
  expect(bob.lines).toEqual([
    "* welcome to tutorial, bob; here: carol, alice",
    HOW_TO,
    "from alice: hi, it is Alice",
    "from alice: a note to us",
    "* welcome to tutorial, bob; here: carol, alice",
    HOW_TO,
    "from alice: are you there?",
    "from alice: bob is gone",
    "from alice: three",
    "from alice: four",
    "* welcome to tutorial, bob; here: carol, alice",
    HOW_TO,
    "from alice: the end",
  ]);
  expect(carol.heard).toEqual([
    "bob: hi both",
    "bob: hi all: everyone!",
    "alice: bob is gone",
    "alice: not for bob",
    "alice: three",
    "alice: the end",
  ]);
  expect(await server.loggedErrors()).toEqual([]);
});

test("/who and /history answer in lines", async () => {
  const room = new TestRoom(server, "questions");
  const alice = await room.joins("alice", { dialect: "chat.line" });
  const bob = await room.joins("bob", { dialect: "chat.line" });
  await alice.hears("* bob joined");
  alice.types("bob: one\n*: two");
  await bob.hears("from alice: two");
  await bob.leaves();
  await alice.hears("* bob left");
  const before = alice.lines.length;
  alice.types("/who\n/history 1\nhello?");
  await alice.until(
    () => alice.lines.length >= before + 4,
    () => "four lines of answers",
  );
  expect(alice.lines.slice(before)).toEqual([
    "* here: alice",
    "* away: bob",
    expect.stringMatching(/^\* \d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ from alice: two$/),
    '* to whom? write "bob, carol: hi" to some, "*: hi" to everyone',
  ]);
});

test("what others change, erase and send without text, as lines; who was away sees what is left of it", async () => {
  const room = new TestRoom(server, "changes");
  const carol = await room.joins("carol", { dialect: "chat.v1" });
  const alice = await room.joins("alice", { dialect: "chat.line" });
  const bob = await room.joins("bob", { dialect: "chat.line" });
  await carol.sees("joined", "bob");
  await bob.leaves();
  await carol.sees("left", "bob");

  for (const text of ["Lunch?", "a secret", "rude words"]) carol.says(text);
  await carol.hears("Lunch?", "a secret", "rude words");
  const [lunch = 0, secret = 0, rude = 0] = carol.entries.map(({ seq }) => seq);
  carol.says("", { ref: lunch, quiet: true, data: { mark: "👍" } });
  carol.says("", { data: { poll: ["12:00", "13:00"] } });
  carol.edits(lunch, "Lunch at 11?");
  await alice.hears("* carol changed a message: Lunch at 11?");
  carol.edits(lunch, "Lunch at 12?\nfrom bob: \u001b[31myes");
  carol.erases(secret);
  await carol.isDone();
  const answer = await fetch(`${room.url}/messages/${rude}`, {
    method: "DELETE",
    headers: { Authorization: `Bearer ${ADMIN_KEY}` },
  });
  expect(answer.status).toBe(204);
  carol.says("the end");
  await alice.hears("from carol: the end");
  await bob.returns();
  await bob.hears("from carol: the end");

  expect(alice.lines.filter((line) => !/^\* (welcome|write) | (joined|left)$/.test(line))).toEqual([
    "from carol: Lunch?",
    "from carol: a secret",
    "from carol: rude words",
    "* carol sent something that a line cannot show",
    "* carol changed a message: Lunch at 11?",
    "* carol changed a message: Lunch at 12?",
    "  from bob: [31myes",
    "* carol erased a message",
    "* a message from carol was erased by an operator",
    "from carol: the end",
  ]);
  // The first change is gone: the second took its place.
  expect(bob.lines.slice(bob.lines.lastIndexOf(HOW_TO) + 1)).toEqual([
    "from carol: Lunch at 12?",
    "  from bob: [31myes",
    "* a message from carol was erased",
    "* a message from carol was erased by an operator",
    "* carol sent something that a line cannot show",
    "* carol changed a message: Lunch at 12?",
    "  from bob: [31myes",
    "* carol erased a message",
    "* a message from carol was erased by an operator",
    "from carol: the end",
  ]);
  expect(await server.loggedErrors()).toEqual([]);
});

/** The schedule and the messages are functions of the seed, and contain every kind of disturbance. */
import { expect, test } from "vitest";
import { History, type ReceivedEntry, stringsIn } from "./history.ts";
import { message, sends } from "./planted.ts";
import { SeededRandom } from "./seeded-random.ts";
import { scheduleOf, type Scheduled, varsOf } from "./schedule.ts";
import { type NewItem, nextItem } from "./messages.ts";
import { linesOf, violationsIn } from "./line-clients.ts";

const NAMES = ["alice", "bob", "carol"];
const schedule = (seed: number, ms = 60_000, isOurs = true): readonly Scheduled[] =>
  scheduleOf(new SeededRandom(seed), { names: NAMES, ms, isOurs });

test("the same seed gives the same schedule, another seed another", () => {
  expect(schedule(7)).toEqual(schedule(7));
  expect(schedule(8)).not.toEqual(schedule(7));
  expect(varsOf(new SeededRandom(7))).toEqual(varsOf(new SeededRandom(7)));
});

test("draws from one generator do not change another", () => {
  const random = new SeededRandom(7);
  random.fork("somebody").next();
  random.next();
  expect(random.fork("alice").next()).toBe(new SeededRandom(7).fork("alice").next());
  expect(random.fork("alice").next()).not.toBe(random.fork("bob").next());
});

test("a shorter round is the beginning of a longer one", () => {
  const short = schedule(7, 9_000);
  expect(short.length).toBeGreaterThan(5);
  expect(schedule(7, 30_000).filter(({ at }) => at < 9_000)).toEqual(short);
});

test("every kind of disturbance occurs, for everyone, in order", () => {
  const plans = Array.from({ length: 10 }, (_, seed) => schedule(seed));
  const kinds = new Set(plans.flat().map(({ disturbance }) => disturbance.type));
  expect([...kinds].toSorted()).toEqual([
    "blackhole",
    "crash",
    "cut",
    "hold",
    "kill",
    "lag",
    "late frames",
    "leave",
    "online event",
    "overtaken",
    "quiesce",
  ]);
  for (const one of plans) {
    expect(one.map(({ at }) => at)).toEqual(one.map(({ at }) => at).toSorted((a, b) => a - b));
    const struck = new Set(one.flatMap(({ who }) => who ?? []));
    expect([...struck].toSorted()).toEqual(NAMES);
  }
});

test("an endpoint's server is not killed", () => {
  for (let seed = 0; seed < 10; seed++) {
    const kinds = schedule(seed, 60_000, false).map(({ disturbance }) => disturbance.type);
    expect(kinds).not.toContain("kill");
  }
});

test("the numbers are evenly distributed", () => {
  const random = new SeededRandom(1);
  const counts = [0, 0, 0, 0];
  for (let time = 0; time < 4_000; time++) {
    const index = random.between(0, 3);
    counts[index] = (counts[index] ?? 0) + 1;
  }
  for (const count of counts) expect(count).toBeGreaterThan(850);
});

/** What the members send to a room that delivers everything to everyone, at once. */
function talk(seed: number): NewItem[] {
  const random = new SeededRandom(seed);
  const received: ReceivedEntry[] = [];
  const items: NewItem[] = [];
  for (let number = 0; number < 200; number++) {
    for (const name of NAMES) {
      const item = nextItem(random, { name, number, names: NAMES, received });
      const { type, text, data, quiet } = item;
      items.push(item);
      const fields = {
        ...(text !== undefined && { text }),
        ...(data && { data }),
        ...(quiet && { quiet }),
      };
      const place = { seq: items.length, from: name, id: `${name} ${number}` };
      received.push({ type: type === "send" ? "message" : "patch", ...place, ...fields });
    }
  }
  return items;
}

test("every text and every key of data is sent once, and the same by every run", () => {
  const items = talk(3);
  const strings = items
    .flatMap(({ text, data }) => [...stringsIn([text, data?.["key"]])])
    .filter(Boolean);
  expect(new Set(strings).size).toBe(strings.length);
  expect(talk(3)).toEqual(items);
});

test("members send every kind of item", () => {
  const kinds = talk(4).map(({ type, text, data, quiet, isInvalid }) =>
    [
      isInvalid && "invalid",
      type === "send" && quiet && "quiet",
      type,
      text && "text",
      data && "data",
    ]
      .filter(Boolean)
      .join(" "),
  );
  expect([...new Set(kinds)].toSorted()).toEqual([
    "edit data",
    "edit text",
    "edit text data",
    "erase",
    "invalid edit data",
    "invalid edit text",
    "invalid edit text data",
    "invalid erase",
    "invalid send text",
    "invalid send text data",
    "quiet send data",
    "send text",
    "send text data",
  ]);
});

test.each([
  [
    "nothing in correct lines",
    ["from alice: alice 1", "from bob: bob 4", "from alice: alice 2"],
    [],
  ],
  [
    "nothing in lines that another connection repeats",
    ["from alice: alice 1", "* welcome to x", "from alice: alice 1"],
    [],
  ],
  ["a line twice on one connection", ["from alice: alice 1", "from alice: alice 1"], ["R5"]],
  ["another order", ["from alice: alice 2", "from alice: alice 1"], ["R4"]],
  ["a message for somebody else", ["from bob: bob 5"], ["R8"]],
  ["a message that nobody sent", ["from eve: eve 1"], ["R8"]],
  [
    "nothing in a changed text at the place of its message",
    ["from alice: alice 1", "from bob: bob 6"],
    [],
  ],
  ["a changed text twice", ["from bob: bob 4", "from bob: bob 6"], ["R5"]],
  ["nothing in the line of a change", ["from bob: bob 4", "* bob changed a message: bob 6"], []],
  ["a change for somebody else", ["* bob changed a message: bob 7"], ["R8"]],
  ["a change that was rejected", ["* bob changed a message: bob 8"], ["R8"]],
  ["a quiet entry", ["from alice: alice 3"], ["R8"]],
])("in the lines of a chat.line client, it finds %s", (_case, lines, rules) => {
  const [alice, bob] = [new History("alice"), new History("bob")];
  sends(alice, "alice 1");
  sends(alice, "alice 2");
  sends(alice, "alice 3", { quiet: true });
  sends(bob, "bob 4");
  sends(bob, "bob 5", { to: ["alice"] });
  bob.addReceived(message(1, "bob", "bob 4"));
  bob.addReceived(message(2, "bob", "bob 5", ["alice"]));
  sends(bob, "bob 6", { type: "edit", ref: 1 });
  sends(bob, "bob 7", { type: "edit", ref: 2, to: ["alice"] });
  sends(bob, "bob 8", { type: "edit", ref: 1, fate: "refused" });
  const found = violationsIn("line-client", lines, linesOf([alice, bob]));
  expect(found.map(({ rule }) => rule)).toEqual(rules);
});

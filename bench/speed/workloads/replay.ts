/**
 * Replay: who was away comes back to ten thousand entries that concern it, alone or among ten times as many that do not.
 *
 * What only writes, and gives nothing back, shows what it cost to store as many: the measure for replaying them.
 */
import type { Speaker } from "../rig/system-under-test.ts";
import { isGeneratorBound, meter, settled } from "../rig/meter.ts";
import type { Figures, Round, Workload } from "../rig/workload.ts";

const OWED = 10_000;
const IN_FLIGHT = 100;
const TEXT = "x".repeat(100);

/** Somebody who counts what comes. */
class Listener {
  readonly speaker: Speaker;
  #left = 0;
  #each: () => void = () => {};
  #isOver: () => void = () => {};

  constructor({ contender, server }: Round, name: string) {
    const onEntry = (): void => {
      this.#each();
      if (--this.#left === 0) this.#isOver();
    };
    this.speaker = contender.speak({ server, room: "replay", name, onEntry });
  }

  /** @returns when `count` entries have come from now on; of each, `each` is told */
  hears(count: number, each = (): void => {}): Promise<void> {
    this.#left = count;
    this.#each = each;
    return new Promise((resolve) => {
      this.#isOver = resolve;
    });
  }
}

/** Each `every`th message is for Bob, the rest for Carol. Resolves when all are confirmed. */
function tells(alice: Listener, total: number, every: number): Promise<void> {
  let sent = 0;
  const next = (): void => {
    if (sent < total) alice.speaker.send(TEXT, [sent++ % every === 0 ? "bob" : "carol"]);
  };
  const over = alice.hears(total, next);
  for (let count = 0; count < IN_FLIGHT; count++) next();
  return over;
}

const run =
  (every: number) =>
  async (round: Round): Promise<Figures> => {
    const { contender, server, scale, generatorBound } = round;
    const owed = Math.round(OWED * scale);
    const alice = new Listener(round, "alice");
    const bob = new Listener(round, "bob");
    const carol = new Listener(round, "carol");
    const all = [alice, bob, carol].map(({ speaker }) => speaker);
    await Promise.all(all.map(({ ready }) => ready));
    // Socket.IO recovers only who has had something to go on from.
    await Promise.all([bob.hears(1), tells(alice, 1, 1)]);
    bob.speaker.cut();
    carol.speaker.cut();
    await settled(server);
    let cost = meter(server);
    await tells(alice, owed * every, every);
    if (contender.memory !== "written") {
      await settled(server);
      cost = meter(server);
      const over = bob.hears(owed);
      bob.speaker.returns();
      await Promise.all([over, bob.speaker.ready]);
    }
    const spent = cost();
    if (isGeneratorBound(spent)) generatorBound();
    for (const speaker of all) speaker.cut();
    return {
      "server CPU, µs/entry": (spent.server / owed) * 1e6,
      "until all is there, ms": spent.seconds * 1_000,
    };
  };

export const replay: readonly Workload[] = [
  {
    name: "replay-10k",
    about: "10,000 entries to who was away; for insert: storing as many, which nobody is given",
    contenders: ["insert", "party-insert", "room", "socket.io", "dev"],
    usesDisk: true,
    run: run(1),
  },
  {
    name: "replay-100k",
    about: "10,000 entries to who was away, among 90,000 for somebody else",
    contenders: ["room", "socket.io"],
    usesDisk: true,
    run: run(10),
  },
];

/**
 * Replay: a peer returns to ten thousand pending entries, alone or among nine times as many for another peer.
 *
 * For systems that write but never replay, the figure is the cost of storing as many entries; the replay is compared with
 * it.
 */
import type { Speaker } from "../rig/system-under-test.ts";
import { isGeneratorBound, meter, untilIdle } from "../rig/meter.ts";
import type { Figures, Round, Workload } from "../rig/workload.ts";

const OWED = 10_000;
const IN_FLIGHT = 100;
const TEXT = "x".repeat(100);

/** A peer that counts the entries it receives. */
class Listener {
  readonly speaker: Speaker;
  #left = 0;
  #each: () => void = () => {};
  #isOver: () => void = () => {};

  constructor({ system, server }: Round, name: string) {
    const onEntry = (): void => {
      this.#each();
      if (--this.#left === 0) this.#isOver();
    };
    this.speaker = system.speak({ server, room: "replay", name, onEntry });
  }

  /** Resolves when `count` more entries have arrived; calls `each` for each of them. */
  hears(count: number, each = (): void => {}): Promise<void> {
    this.#left = count;
    this.#each = each;
    return new Promise((resolve) => {
      this.#isOver = resolve;
    });
  }
}

/** Sends each `every`th message to Bob, the rest to Carol. Resolves when all are confirmed. */
function sends(alice: Listener, total: number, every: number): Promise<void> {
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
    const { system, server, scale, generatorBound } = round;
    const owed = Math.round(OWED * scale);
    const alice = new Listener(round, "alice");
    const bob = new Listener(round, "bob");
    const carol = new Listener(round, "carol");
    const all = [alice, bob, carol].map(({ speaker }) => speaker);
    await Promise.all(all.map(({ ready }) => ready));
    // Socket.IO recovers only a client that has received a message before.
    await Promise.all([bob.hears(1), sends(alice, 1, 1)]);
    bob.speaker.cut();
    carol.speaker.cut();
    await untilIdle(server);
    let cost = meter(server);
    await sends(alice, owed * every, every);
    if (system.memory !== "written") {
      await untilIdle(server);
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
    about: "10,000 entries for a returning peer; for insert: storing as many, without a replay",
    systems: ["insert", "party-insert", "room", "socket.io", "dev"],
    usesDisk: true,
    run: run(1),
  },
  {
    name: "replay-100k",
    about: "10,000 entries for a returning peer, among 90,000 for another",
    systems: ["room", "socket.io"],
    usesDisk: true,
    run: run(10),
  },
];

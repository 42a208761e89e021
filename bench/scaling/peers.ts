/** An axis: the number of people in one room, and in the relay that stores nothing, one after the other in each round. */
import { systemsUnderTest } from "../speed/systems-under-test.ts";
import type { SystemUnderTest, Server, Speaker } from "../speed/rig/system-under-test.ts";
import { meter, untilIdle } from "../speed/rig/meter.ts";
import { type Axis, type Point, type RoundOptions, wanted } from "./axis.ts";

const COUNTS = [10, 30, 100, 300, 1_000, 3_000, 10_000];
const QUICK = [10, 100, 1_000];
const SYSTEMS = ["room", "relay"];
/** The same work at each count: the number of addressed messages, and of those in flight. */
const MESSAGES = 10_000;
/** Messages that are not counted: until then the runtime mostly compiles. */
const WARM_UP = 5_000;
const IN_FLIGHT = 100;
/** Copies of the messages to everyone, which ten peers send. */
const DELIVERIES = 100_000;
const SPEAKERS = 10;
const LEAST_MESSAGES = 50;
/** Joins in progress at a time. */
const AT_A_TIME = 50;
const TEXT = "x".repeat(100);

class Crowd {
  readonly #server: Server;
  readonly #speakers: Speaker[] = [];
  #onEntry: (from: string, to: number) => void = () => {};

  constructor(server: Server) {
    this.#server = server;
  }

  async joins(system: SystemUnderTest, count: number): Promise<void> {
    let next = 0;
    const queue = async (): Promise<void> => {
      while (next < count) {
        const index = next++;
        const onEntry = ({ from }: { readonly from: string }): void => this.#onEntry(from, index);
        const joining = { server: this.#server, room: "crowd", name: `p${index}`, onEntry };
        this.#speakers[index] = system.speak(joining);
        await this.#speakers[index].ready;
      }
    };
    await Promise.all(Array.from({ length: AT_A_TIME }, queue));
    await untilIdle(this.#server);
  }

  /** Keeps `inFlight` messages of `speakers` peers in flight. @returns µs of the server's CPU for a message */
  async talks(messages: number, { speakers, inFlight, copies, to }: Talk): Promise<number> {
    const { promise: over, resolve } = Promise.withResolvers<void>();
    let sent = 0;
    let received = 0;
    const next = (index: number): void => {
      if (sent === messages) return;
      this.#speakers[index]?.send(TEXT, to?.(index, sent));
      sent++;
    };
    this.#onEntry = (from, index) => {
      if (++received === messages * copies) resolve();
      if (from === `p${index}`) next(index);
    };
    const cost = meter(this.#server);
    for (let turn = 0; turn < inFlight; turn++) next(turn % speakers);
    await over;
    return (cost().server / messages) * 1e6;
  }

  leaves(): void {
    for (const speaker of this.#speakers) speaker.cut();
  }
}

interface Talk {
  readonly speakers: number;
  readonly inFlight: number;
  /** Copies of each message. */
  readonly copies: number;
  readonly to?: (speaker: number, number: number) => readonly string[];
}

async function measure(
  system: SystemUnderTest,
  count: number,
  options: RoundOptions,
): Promise<Point["figures"]> {
  const { name } = system;
  const part = options.quick ? 0.2 : 1;
  const server = await system.start(options.folder);
  try {
    const crowd = new Crowd(server);
    const joining = meter(server);
    await crowd.joins(system, count);
    const join = (joining().server / count) * 1e6;
    const toOne: Talk = {
      speakers: Math.min(count, IN_FLIGHT),
      inFlight: IN_FLIGHT,
      copies: 2,
      // Never to the sender itself.
      to: (speaker, number) => [`p${(speaker + 1 + (number % (count - 1))) % count}`],
    };
    await crowd.talks(WARM_UP * part, toOne);
    const addressed = await crowd.talks(MESSAGES * part, toOne);
    const messages = Math.max(LEAST_MESSAGES, Math.round((DELIVERIES * part) / count));
    const wide = await crowd.talks(messages, {
      speakers: SPEAKERS,
      inFlight: SPEAKERS,
      copies: count,
    });
    crowd.leaves();
    return {
      [`${name}: addressed, µs/message`]: addressed,
      [`${name}: to everyone, µs/delivery`]: wide / count,
      [`${name}: join, µs each`]: join,
    };
  } finally {
    await server.stop();
  }
}

export const peers: Axis = {
  name: "peers",
  label: "people in the room",
  about:
    "100 messages in flight, each to one other peer; ten peers that send to everyone; and the cost of their joins, 50 at a time",
  plots: [
    plot("peers-addressed", "A message to one other peer", "addressed, µs/message"),
    plot("peers-wide", "One copy of a message to everyone", "to everyone, µs/delivery"),
    plot("peers-join", "A join", "join, µs each"),
  ],
  async *round(options) {
    const both = (await systemsUnderTest(false)).filter(({ name }) => SYSTEMS.includes(name));
    for (const x of wanted(options.quick ? QUICK : COUNTS, options)) {
      const figures: Record<string, number> = {};
      for (const system of both) {
        Object.assign(figures, await measure(system, x, options));
      }
      yield { x, figures };
    }
  },
};

function plot(file: string, title: string, figure: string): Axis["plots"][number] {
  const unit = `server CPU, ${figure.slice(figure.lastIndexOf(" ") + 1)}`;
  return { file, title, unit, figures: SYSTEMS.map((name) => `${name}: ${figure}`) };
}

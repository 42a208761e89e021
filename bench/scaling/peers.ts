/** More and more people in one room, beside the relay that stores nothing: in the same round, one after the other. */
import { contenders } from "../speed/systems-under-test.ts";
import type { Contender, Server, Speaker } from "../speed/rig/system-under-test.ts";
import { meter, settled } from "../speed/rig/meter.ts";
import { type Axis, type Point, type Wish, wanted } from "./axis.ts";

const COUNTS = [10, 30, 100, 300, 1_000, 3_000, 10_000];
const QUICK = [10, 100, 1_000];
const CONTENDERS = ["room", "relay"];
/** The same work at each count: so many addressed messages, so many of them in flight. */
const MESSAGES = 10_000;
/** That many are not counted: until then the runtime compiles more than it works. */
const WARM_UP = 5_000;
const IN_FLIGHT = 100;
/** And so many copies of what is said to everyone, by ten. */
const DELIVERIES = 100_000;
const SPEAKERS = 10;
const LEAST_WORDS = 50;
/** On their way in at a time. */
const AT_A_TIME = 50;
const TEXT = "x".repeat(100);

class Crowd {
  readonly #server: Server;
  readonly #speakers: Speaker[] = [];
  #onEntry: (from: string, to: number) => void = () => {};

  constructor(server: Server) {
    this.#server = server;
  }

  async joins(contender: Contender, count: number): Promise<void> {
    let next = 0;
    const queue = async (): Promise<void> => {
      while (next < count) {
        const index = next++;
        const onEntry = ({ from }: { readonly from: string }): void => this.#onEntry(from, index);
        const joining = { server: this.#server, room: "crowd", name: `p${index}`, onEntry };
        this.#speakers[index] = contender.speak(joining);
        await this.#speakers[index].ready;
      }
    };
    await Promise.all(Array.from({ length: AT_A_TIME }, queue));
    await settled(this.#server);
  }

  /** `speakers` of them keep `inFlight` messages on their way. @returns µs of the server's CPU for a message */
  async talks(messages: number, { speakers, inFlight, copies, to }: Talk): Promise<number> {
    const { promise: over, resolve } = Promise.withResolvers<void>();
    let sent = 0;
    let heard = 0;
    const next = (index: number): void => {
      if (sent === messages) return;
      this.#speakers[index]?.send(TEXT, to?.(index, sent));
      sent++;
    };
    this.#onEntry = (from, index) => {
      if (++heard === messages * copies) resolve();
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
  /** Of each message. */
  readonly copies: number;
  readonly to?: (speaker: number, number: number) => readonly string[];
}

async function measure(contender: Contender, count: number, wish: Wish): Promise<Point["figures"]> {
  const { name } = contender;
  const part = wish.quick ? 0.2 : 1;
  const server = await contender.start(wish.folder);
  try {
    const crowd = new Crowd(server);
    const joining = meter(server);
    await crowd.joins(contender, count);
    const join = (joining().server / count) * 1e6;
    const toOne: Talk = {
      speakers: Math.min(count, IN_FLIGHT),
      inFlight: IN_FLIGHT,
      copies: 2,
      // Never oneself.
      to: (speaker, number) => [`p${(speaker + 1 + (number % (count - 1))) % count}`],
    };
    await crowd.talks(WARM_UP * part, toOne);
    const addressed = await crowd.talks(MESSAGES * part, toOne);
    const words = Math.max(LEAST_WORDS, Math.round((DELIVERIES * part) / count));
    const wide = await crowd.talks(words, {
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
    "100 messages in flight, each to one other; then ten who speak to everyone; and what their joining cost, 50 at a time",
  plots: [
    plot("peers-addressed", "A message to one other", "addressed, µs/message"),
    plot("peers-wide", "A copy of a message to everyone", "to everyone, µs/delivery"),
    plot("peers-join", "A join", "join, µs each"),
  ],
  async *round(wish) {
    const both = (await contenders(false)).filter(({ name }) => CONTENDERS.includes(name));
    for (const x of wanted(wish.quick ? QUICK : COUNTS, wish)) {
      const figures: Record<string, number> = {};
      for (const contender of both) {
        Object.assign(figures, await measure(contender, x, wish));
      }
      yield { x, figures };
    }
  },
};

function plot(file: string, title: string, figure: string): Axis["plots"][number] {
  const unit = `server CPU, ${figure.slice(figure.lastIndexOf(" ") + 1)}`;
  return { file, title, unit, figures: CONTENDERS.map((name) => `${name}: ${figure}`) };
}

/** A longer and longer log: each entry in a row of its own, as a quiet room leaves it, so that no row is saved. */
import { setTimeout as pause } from "node:timers/promises";
import { ROOM } from "../speed/systems-under-test.ts";
import { startWorkerd } from "../speed/rig/workerd.ts";
import { type Axis, wanted } from "./axis.ts";
import { fill } from "./seed-database.ts";
import { enters, type Person, repeatedly, says } from "./talk.ts";

const LENGTHS = [0, 1_000, 10_000, 100_000, 1_000_000];
const QUICK = [0, 1_000, 10_000];
/** So many of them are Bob's, anywhere in it; Dave has none. */
const WAITING = 100;
const TEXT_CHARACTERS = 100;
const EACH_MS = 1_500;
/** The runtime hibernates an object after 10 s. */
const HIBERNATION_MS = 13_000;

const nameOf = (length: number): string => `log-${length}`;

export const log: Axis = {
  name: "log",
  label: "entries in the log",
  about:
    "each in a row of its own; a hundred of them, evenly spread, are for one who returns, none for another",
  plots: [
    {
      file: "log-message",
      title: "A message, one in flight",
      unit: "server CPU, µs",
      figures: ["a message, µs"],
    },
    {
      file: "log-return",
      title: "A return from the log's first entry on",
      unit: "server CPU, ms",
      figures: ["return to nothing, ms", `return to ${WAITING}, ms`],
    },
    {
      file: "log-wake",
      title: "The first message to a hibernating room",
      unit: "until it is confirmed, ms",
      figures: ["wake, wall, ms"],
    },
  ],
  async *round(wish) {
    const lengths = wanted(wish.quick ? QUICK : LENGTHS, wish);
    const server = await startWorkerd(ROOM, wish.folder, {
      prepare: (home) => {
        for (const entries of lengths) {
          const every = Math.max(1, Math.floor(entries / WAITING));
          const to = (index: number): string => (index % every === 0 ? "bob" : "carol");
          const past = { entries, text: TEXT_CHARACTERS, entriesPerRow: 1, to };
          fill(home, { name: nameOf(entries), past });
        }
      },
    });
    try {
      const url = server.url.replace("ws", "http");
      const here: Person[] = [];
      const found: Record<string, number>[] = [];
      for (const length of lengths) {
        const place = { url, room: nameOf(length) };
        const returns = async (name: string, waiting: number): Promise<void> => {
          const { peer, listener } = await enters(place, name, "&since=0");
          if (listener.received !== waiting) {
            throw new Error(`${name} was given ${listener.received} of ${waiting}`);
          }
          peer.socket.terminate();
          await peer.ended;
        };
        const alice = await enters(place, "alice");
        here.push(alice, await enters(place, "erin"));
        const message = await repeatedly(server, EACH_MS, () => says(alice, ["erin"]));
        const nothing = await repeatedly(server, EACH_MS, () => returns("dave", 0));
        const waiting = Math.min(length, WAITING);
        const some = await repeatedly(server, EACH_MS, () => returns("bob", waiting));
        found.push({
          "a message, µs": message.cpu * 1_000,
          "return to nothing, ms": nothing.cpu,
          "return to nothing, wall, ms": nothing.wall,
          [`return to ${WAITING}, ms`]: some.cpu,
          [`return to ${WAITING}, wall, ms`]: some.wall,
        });
      }
      // All of them sleep at once.
      await pause(HIBERNATION_MS);
      for (const [index, x] of lengths.entries()) {
        const alice = here[2 * index];
        if (alice === undefined) throw new Error("nobody is here");
        const start = performance.now();
        await says(alice, ["erin"]);
        const wake = performance.now() - start;
        yield { x, figures: { ...found[index], "wake, wall, ms": wake } };
      }
    } finally {
      await server.stop();
    }
  },
};

/** An axis: the length of the log. Each entry has a row of its own, as in a quiet room: the worst case for reads. */
import { setTimeout as pause } from "node:timers/promises";
import { ROOM } from "../speed/systems-under-test.ts";
import { startWorkerd } from "../speed/rig/workerd.ts";
import { type Axis, wanted } from "./axis.ts";
import { seedDatabase } from "./seed-database.ts";
import { enters, type Person, repeatedly, says } from "./talk.ts";

const LENGTHS = [0, 1_000, 10_000, 100_000, 1_000_000];
const QUICK = [0, 1_000, 10_000];
/** This many entries, spread over the log, are for Bob; none is for Dave. */
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
    "each entry in a row of its own; a hundred of them, evenly spread, are for one returning peer, none for another",
  plots: [
    {
      file: "log-message",
      title: "A message, one in flight",
      unit: "server CPU, µs",
      figures: ["a message, µs"],
    },
    {
      file: "log-return",
      title: "A replay from the log's first entry",
      unit: "server CPU, ms",
      figures: ["replay of nothing, ms", `replay of ${WAITING}, ms`],
    },
    {
      file: "log-wake",
      title: "The first message to a hibernating room",
      unit: "until it is confirmed, ms",
      figures: ["wake, wall, ms"],
    },
  ],
  async *round(options) {
    const lengths = wanted(options.quick ? QUICK : LENGTHS, options);
    const server = await startWorkerd(ROOM, options.folder, {
      prepare: (home) => {
        for (const entries of lengths) {
          const every = Math.max(1, Math.floor(entries / WAITING));
          const to = (index: number): string => (index % every === 0 ? "bob" : "carol");
          const past = { entries, text: TEXT_CHARACTERS, entriesPerRow: 1, to };
          seedDatabase(home, { name: nameOf(entries), past });
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
            throw new Error(`${name} received ${listener.received} of ${waiting} entries`);
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
          "replay of nothing, ms": nothing.cpu,
          "replay of nothing, wall, ms": nothing.wall,
          [`replay of ${WAITING}, ms`]: some.cpu,
          [`replay of ${WAITING}, wall, ms`]: some.wall,
        });
      }
      // All rooms hibernate at the same time.
      await pause(HIBERNATION_MS);
      for (const [index, x] of lengths.entries()) {
        const alice = here[2 * index];
        if (alice === undefined) throw new Error("the peer of this room is missing");
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

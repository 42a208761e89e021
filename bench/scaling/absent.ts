/** An axis: the number of names that the room remembers and that are absent. */
import { ROOM } from "../speed/systems-under-test.ts";
import { startWorkerd } from "../speed/rig/workerd.ts";
import { type Axis, wanted } from "./axis.ts";
import { absentName, seedDatabase } from "./seed-database.ts";
import { enters, repeatedly, says } from "./talk.ts";

const COUNTS = [0, 100, 1_000, 5_000, 20_000];
const QUICK = [0, 100, 1_000];
const EACH_MS = 1_500;
/** A commit of this many entries also writes a checkpoint of the cursors. */
const COMMIT = 256;

const nameOf = (count: number): string => `absent-${count}`;

export const absent: Axis = {
  name: "absent",
  label: "absent names",
  about: `one message in flight, to each absent name in turn; a new name that joins and leaves; a commit of ${COMMIT} entries, with its checkpoint`,
  plots: [
    {
      file: "absent",
      title: "A message, a join, a commit with its checkpoint",
      unit: "server CPU, µs",
      figures: ["a message to an absent name, µs", "a join, µs", `a commit of ${COMMIT}, µs`],
    },
  ],
  async *round(options) {
    const counts = wanted(options.quick ? QUICK : COUNTS, options);
    const server = await startWorkerd(
      { ...ROOM, vars: { ...ROOM.vars, MAX_NAMES: 1_000_000 } },
      options.folder,
      {
        prepare: (home) => {
          for (const absent of counts) seedDatabase(home, { name: nameOf(absent), absent });
        },
      },
    );
    try {
      for (const x of counts) {
        const place = { url: server.url.replace("ws", "http"), room: nameOf(x) };
        const alice = await enters(place, "alice");
        await enters(place, "carol");
        const message = await repeatedly(server, EACH_MS, (index) =>
          says(alice, [x === 0 ? "bob" : absentName(index % x)]),
        );
        const join = await repeatedly(server, EACH_MS, async (index) => {
          const { peer } = await enters(place, `new-${index}`);
          peer.socket.terminate();
          await peer.ended;
        });
        const commit = await repeatedly(server, EACH_MS, () => says(alice, ["carol"], COMMIT));
        yield {
          x,
          figures: {
            "a message to an absent name, µs": message.cpu * 1_000,
            "a join, µs": join.cpu * 1_000,
            [`a commit of ${COMMIT}, µs`]: commit.cpu * 1_000,
          },
        };
      }
    } finally {
      await server.stop();
    }
  },
};

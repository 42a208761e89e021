/** More and more names that the room knows, and that are not here. */
import { ROOM } from "../speed/systems-under-test.ts";
import { startWorkerd } from "../speed/rig/workerd.ts";
import { type Axis, wanted } from "./axis.ts";
import { absentName, fill } from "./seed-database.ts";
import { enters, repeatedly, says } from "./talk.ts";

const COUNTS = [0, 100, 1_000, 5_000, 20_000];
const QUICK = [0, 100, 1_000];
const EACH_MS = 1_500;
/** With so many entries each commit saves the cursors too. */
const COMMIT = 256;

const nameOf = (count: number): string => `absent-${count}`;

export const absent: Axis = {
  name: "absent",
  label: "names known, not here",
  about: `one message in flight, to each of the absent in turn; a new name that joins and leaves; a commit of ${COMMIT} entries, with its checkpoint`,
  plots: [
    {
      file: "absent",
      title: "A message, a join, a commit with its checkpoint",
      unit: "server CPU, µs",
      figures: ["a message to one absent, µs", "a join, µs", `a commit of ${COMMIT}, µs`],
    },
  ],
  async *round(wish) {
    const counts = wanted(wish.quick ? QUICK : COUNTS, wish);
    const server = await startWorkerd(
      { ...ROOM, vars: { ...ROOM.vars, MAX_NAMES: 1_000_000 } },
      wish.folder,
      {
        prepare: (home) => {
          for (const absent of counts) fill(home, { name: nameOf(absent), absent });
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
            "a message to one absent, µs": message.cpu * 1_000,
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

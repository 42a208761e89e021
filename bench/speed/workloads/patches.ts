/**
 * Patches: a hundred peers send messages, each to one other peer, as in addressed; then each of them changes its last ten
 * messages again and again. So a patch and a plain message are measured on the same server. The first fifth of either is
 * not counted. At the end, one peer changes one message with nothing else in flight, for the rows that a patch alone
 * writes.
 */
import { ADMIN_KEY } from "../systems-under-test.ts";
import { type Cost, isGeneratorBound, meter, untilIdle } from "../rig/meter.ts";
import type { Server, Speaker } from "../rig/system-under-test.ts";
import type { Figures, Round, Workload } from "../rig/workload.ts";

const ROOM = "patches";
const PEERS = 100;
const IN_FLIGHT = 10;
const MESSAGES = 50_000;
/** Each of the last ten messages is changed twenty times; the room permits 32. */
const PATCHES = PEERS * IN_FLIGHT * 20;
const ALONE = 20;
/** The part that is not counted: until then the runtime mostly compiles. */
const WARM_UP = 0.2;
const TEXT = "x".repeat(100);

const nameOf = (index: number): string => `p${index % PEERS}`;

/** Counts copies of entries, and the cost of those after the first fifth. */
class Phase {
  readonly #server: Server;
  readonly #total: number;
  readonly #warm: number;
  readonly #done = Promise.withResolvers<void>();
  #begun = 0;
  #copies = 0;
  #cost: (() => Cost) | undefined;

  constructor(server: Server, total: number) {
    this.#server = server;
    this.#total = total;
    this.#warm = Math.round(total * WARM_UP);
    if (this.#warm === 0) this.#cost = meter(server);
  }

  /** Returns whether one more may begin, and counts it. */
  begins(): boolean {
    return this.#begun++ < this.#total;
  }

  /** A copy arrived: of each entry, its author and its recipient get one. */
  arrived(): void {
    this.#copies++;
    if (this.#copies === 2 * this.#warm) this.#cost = meter(this.#server);
    if (this.#copies === 2 * this.#total) this.#done.resolve();
  }

  /** Resolves when every copy has arrived. */
  async ends(): Promise<Cost & { readonly each: number; readonly rate: number }> {
    await this.#done.promise;
    if (this.#cost === undefined) throw new Error("nothing was measured");
    const cost = this.#cost();
    const count = this.#total - this.#warm;
    return { ...cost, each: (cost.server / count) * 1e6, rate: count / cost.seconds };
  }
}

interface Author {
  readonly peer: Speaker;
  /** Its last messages, the oldest first. */
  readonly recent: number[];
}

/** Changes the least recently changed of the author's last messages. */
function change({ peer, recent }: Author): void {
  const seq = recent.shift();
  if (seq === undefined) throw new Error("nothing to change");
  recent.push(seq);
  peer.edit?.(seq, TEXT);
}

async function run({ system, server, scale, generatorBound }: Round): Promise<Figures> {
  const talk = new Phase(server, Math.round(MESSAGES * scale));
  const changes = new Phase(server, Math.round(PATCHES * scale));
  const patchesAlone = Math.max(2, Math.round(ALONE * scale));
  const alone = new Phase(server, patchesAlone);
  let patching = changes;
  const authors = Array.from({ length: PEERS }, (_, index): Author => {
    const name = nameOf(index);
    const recent: number[] = [];
    const peer = system.speak({
      server,
      room: ROOM,
      name,
      onEntry: ({ from, seq = 0 }) => {
        if (from === name) recent.push(seq);
        if (recent.length > IN_FLIGHT) recent.shift();
        talk.arrived();
        if (from === name) sendNext(index);
      },
      onPatch: ({ from }) => {
        patching.arrived();
        if (from === name && patching.begins()) change(author);
      },
    });
    const author = { peer, recent };
    return author;
  });
  let recipient = 0;
  const sendNext = (index: number): void => {
    if (!talk.begins()) return;
    authors[index]?.peer.send(TEXT, [nameOf(index + 1 + (recipient++ % (PEERS - 1)))]);
  };
  await Promise.all(authors.map(({ peer }) => peer.ready));
  for (let count = 0; count < IN_FLIGHT; count++) authors.forEach((_, index) => sendNext(index));
  const message = await talk.ends();
  await untilIdle(server);
  const before = await rowsWritten(server);
  for (let count = 0; count < IN_FLIGHT; count++) {
    for (const author of authors) if (patching.begins()) change(author);
  }
  const patch = await changes.ends();
  const after = await rowsWritten(server);
  patching = alone;
  const [author] = authors;
  if (author !== undefined && alone.begins()) change(author);
  await alone.ends();
  const end = await rowsWritten(server);
  if (isGeneratorBound(message) || isGeneratorBound(patch)) generatorBound();
  for (const { peer } of authors) peer.cut();
  return {
    "server CPU, µs/patch": patch.each,
    "server CPU, µs/message": message.each,
    "CPU of a patch ÷ of a message": patch.each / message.each,
    "patches/s": patch.rate,
    "rows written a patch": (after - before) / Math.round(PATCHES * scale),
    "rows written a patch alone": (end - after) / patchesAlone,
  };
}

/** Returns the rows that the room has written so far, by its own count. */
async function rowsWritten({ url }: Server): Promise<number> {
  const address = `${url.replace("ws", "http")}/rooms/${ROOM}/stats`;
  const headers = { Authorization: `Bearer ${ADMIN_KEY}` };
  const stats: unknown = await (await fetch(address, { headers })).json();
  return (stats as { instance: { rowsWritten: number } }).instance.rowsWritten;
}

export const patches: Workload = {
  name: "patches",
  about: "100 peers, 1,000 patches in flight, each of an own recent message to one other peer",
  systems: ["room", "arrays"],
  usesDisk: true,
  run,
};

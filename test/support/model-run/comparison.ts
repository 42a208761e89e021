/**
 * What a model run compares after every step: what each link was handed, in order; how ended links were closed; who is
 * online, by the word of everyone who can ask; the log; where every name would go on from; and what the sockets
 * remember. And at the end, when all is healed: has everything reached whom it concerns?
 */
import { expect } from "vitest";
import { storedIn } from "./object.ts";
import { hasTaken, type Line, type Person } from "./person.ts";
import type { Handed, RoomModel } from "./room-model.ts";
import type { TestRoom } from "../harness/workerd.ts";

export async function compare(
  room: TestRoom,
  model: RoomModel,
  people: readonly Person[],
): Promise<void> {
  const stored = await storedIn(room);
  model.serves();
  const talking = people.flatMap(({ talking: line }) => line ?? []);
  await Promise.all(talking.map((line) => hasTaken(line)));
  const { here, names, log, first, online } = model;
  for (const person of people) {
    for (const line of person.lines.filter(({ isOver }) => !isOver)) {
      await isAsExpected(line, model);
      line.isOver = line.code !== undefined;
    }
    const line = person.lines.at(-1);
    if (line !== undefined && !line.isSilent) {
      for (const handed of line.link.handed.slice(line.read)) person.processes(handed);
      line.read = line.link.handed.length;
    }
  }
  for (const { client, link } of talking) {
    if (link.dialect === "chat.line") continue;
    const peers = client.all("who").at(-1)?.peers ?? [];
    const said = peers.filter((peer) => peer.online).map(({ name }) => name as string);
    expect(said, `who is online, says ${link.name}`).toEqual(here);
    expect(peers.map(({ name }) => name as string)).toEqual([...names.keys()].sort());
  }
  expect(stored.log, "the log").toEqual(
    log.slice(first - 1).map(({ seq, from, text }) => ({ seq, from, text })),
  );
  const cursors = [...names].map(([name, { cursor }]) => [name, cursor]);
  expect(Object.fromEntries(stored.cursors), "what is pending").toEqual(
    Object.fromEntries(cursors),
  );
  const memos = people.flatMap(({ name, line }) => {
    const memo = online.get(name)?.memo;
    return line && memo ? [[name, { id: line.id, ...memo }]] : [];
  });
  expect(stored.memos, "what the sockets remember").toEqual(Object.fromEntries(memos));
}

/** R4, R5, R11: everyone is ready, and has had all that concerns them, in order and once. */
export function hasHealed(model: RoomModel, people: readonly Person[]): void {
  for (const { name, line, seen, gaps } of people) {
    expect(line?.link.ready, `R11: ${name} becomes ready`).toBe(true);
    const birth = line?.link.birth ?? 0;
    const missed = model.log.filter(
      (entry) =>
        entry.seq > birth &&
        entry.from !== name &&
        model.concerns(entry, name) &&
        !seen.includes(entry.seq) &&
        !gaps.some(({ from, to }) => from <= entry.seq && entry.seq <= to),
    );
    expect(missed, `R5: ${name} has everything, or was told of the gap`).toEqual([]);
    expect(seen, `R4: ${name} saw it in order, once`).toEqual(
      [...new Set(seen)].sort((a, b) => a - b),
    );
  }
}

/** A link was handed just what the model says, and was closed as the model says. */
async function isAsExpected({ client, link, code }: Line, model: RoomModel): Promise<void> {
  if (code !== undefined)
    expect((await client.isClosed()).code, `how ${link.name} ended`).toBe(code);
  else expect(client.closed, `${link.name} is connected`).toBeUndefined();
  const expected = link.handed.filter((handed) => model.isShown(link, handed));
  if (link.dialect === "chat.v1") {
    const heard = client.heard.flatMap((frame): Handed[] => {
      if (frame.type === "message") return [{ type: "message", seq: frame.seq }];
      return frame.type === "gap" ? [frame] : [];
    });
    expect(heard, `what ${link.name} heard`).toEqual(expected);
    expect(client.all("ready").length > 0, `${link.name} was told that it is ready`).toBe(
      link.ready,
    );
  } else {
    const heard = client.lines.filter((line) => line.startsWith("from "));
    const said = expected.map(({ type, ...at }) => {
      const entry = type === "message" && "seq" in at ? model.log[at.seq - 1] : undefined;
      return `from ${entry?.from}: ${entry?.text}`;
    });
    expect(heard, `what ${link.name} read`).toEqual(said);
  }
}

/**
 * The comparison of a model run after every step: the messages that each connection received, in order; how ended
 * connections were closed; who is online, as every client sees it; the log; the cursor of every name; and the sockets'
 * attachments. At the end, after everyone has returned: whether each client has all entries that concern it.
 */
import { expect } from "vitest";
import { readStored } from "./object.ts";
import { hasProcessed, type PersonConnection, type Person } from "./person.ts";
import type { Delivered, RoomModel } from "./room-model.ts";
import type { TestRoom } from "../harness/workerd.ts";

export async function compare(
  room: TestRoom,
  model: RoomModel,
  people: readonly Person[],
): Promise<void> {
  const stored = await readStored(room);
  model.serves();
  const active = people.flatMap(({ active: socket }) => socket ?? []);
  await Promise.all(active.map((socket) => hasProcessed(socket)));
  const { here, names, log, first, online } = model;
  for (const person of people) {
    for (const socket of person.connections.filter(({ isOver }) => !isOver)) {
      await compareConnection(socket, model);
      socket.isOver = socket.code !== undefined;
    }
    const socket = person.connections.at(-1);
    if (socket !== undefined && !socket.isSilent) {
      for (const delivered of socket.connection.delivered.slice(socket.read))
        person.processes(delivered);
      socket.read = socket.connection.delivered.length;
    }
  }
  for (const { client, connection } of active) {
    if (connection.dialect === "chat.line") continue;
    const peers = client.all("who").at(-1)?.peers ?? [];
    const said = peers.filter((peer) => peer.online).map(({ name }) => name as string);
    expect(said, `who is online, as ${connection.name} sees it`).toEqual(here);
    expect(peers.map(({ name }) => name as string)).toEqual([...names.keys()].sort());
  }
  expect(stored.log, "the log").toEqual(
    log.slice(first - 1).map(({ seq, from, text }) => ({ seq, from, text })),
  );
  const cursors = [...names].map(([name, { cursor }]) => [name, cursor]);
  expect(Object.fromEntries(stored.cursors), "the cursors").toEqual(Object.fromEntries(cursors));
  const attachments = people.flatMap(({ name, current }) => {
    const snapshot = online.get(name)?.snapshot;
    return current && snapshot ? [[name, { id: current.id, ...snapshot }]] : [];
  });
  expect(stored.attachments, "the attachments").toEqual(Object.fromEntries(attachments));
}

/** R4, R5, R11: everyone is ready, and has received every entry that concerns them, in order and once. */
export function hasHealed(model: RoomModel, people: readonly Person[]): void {
  for (const { name, current, seen, gaps } of people) {
    expect(current?.connection.ready, `R11: ${name} becomes ready`).toBe(true);
    const birth = current?.connection.birth ?? 0;
    const missed = model.log.filter(
      (entry) =>
        entry.seq > birth &&
        entry.from !== name &&
        model.concerns(entry, name) &&
        !seen.includes(entry.seq) &&
        !gaps.some(({ from, to }) => from <= entry.seq && entry.seq <= to),
    );
    expect(missed, `R5: ${name} has every entry, or the gap in its place`).toEqual([]);
    expect(seen, `R4: ${name} received them in order, once`).toEqual(
      [...new Set(seen)].sort((a, b) => a - b),
    );
  }
}

/** Checks that a connection received what the model says, and was closed as the model says. */
async function compareConnection(
  { client, connection, code }: PersonConnection,
  model: RoomModel,
): Promise<void> {
  if (code !== undefined)
    expect((await client.isClosed()).code, `how ${connection.name} ended`).toBe(code);
  else expect(client.closed, `${connection.name} is connected`).toBeUndefined();
  const expected = connection.delivered.filter((delivered) => model.isShown(connection, delivered));
  if (connection.dialect === "chat.v1") {
    const heard = client.heard.flatMap((frame): Delivered[] => {
      if (frame.type === "message") return [{ type: "message", seq: frame.seq }];
      return frame.type === "gap" ? [frame] : [];
    });
    expect(heard, `what ${connection.name} received`).toEqual(expected);
    expect(client.all("ready").length > 0, `${connection.name} got ready`).toBe(connection.ready);
  } else {
    const heard = client.lines.filter((line) => line.startsWith("from "));
    const said = expected.map(({ type, ...at }) => {
      const entry = type === "message" && "seq" in at ? model.log[at.seq - 1] : undefined;
      return `from ${entry?.from}: ${entry?.text}`;
    });
    expect(heard, `the lines of ${connection.name}`).toEqual(said);
  }
}

/**
 * The actions and reads of model runs inside the real object: the platform's failure signals, messages of ended connections,
 * the stored data and the attachments.
 */
import type { ChatRoom } from "../../../src/durable-object/chat-room.ts";
import type { PersonConnection } from "./person.ts";
import type { Step } from "./steps.ts";
import type { TestRoom } from "../harness/workerd.ts";

interface Remembered {
  readonly over: boolean;
  readonly memo: {
    readonly link: { readonly name: string; readonly id: string };
    readonly acked: number;
    readonly ready: boolean;
  };
}

export interface Stored {
  readonly log: { readonly seq: number; readonly from: string; readonly text: string }[];
  readonly cursors: [string, number][];
  readonly attachments: Record<string, object>;
}

/** Runs a turn without an effect. */
export const turn = (object: ChatRoom): Promise<void> =>
  object.webSocketClose(new WebSocketPair()[1], 1006);

export const idOf = (ws: WebSocket | undefined): string =>
  (ws?.deserializeAttachment() as Remembered | undefined)?.memo.link.id ?? "";

/** Returns the data that would remain if memory were lost now. */
export function readStored(room: TestRoom): Promise<Stored> {
  return room.inside(async (object, state) => {
    await turn(object);
    const { sql } = state.storage;
    const rows = <T extends Record<string, SqlStorageValue>>(query: string): T[] =>
      sql.exec<T>(query).toArray();
    const log = rows<{ body: string }>("SELECT body FROM segments ORDER BY last")
      .flatMap(({ body }) => JSON.parse(body) as { seq: number; from: string; text: string }[])
      .map(({ seq, from, text }) => ({ seq, from, text }));
    const checkpoint = rows<{ head: number; saved: string }>("SELECT head, saved FROM checkpoint");
    const saved = new Map(
      checkpoint
        .flatMap((row) => JSON.parse(row.saved) as [string, number, ...unknown[]][])
        .map(([name, cursor]) => [name, cursor]),
    );
    const savedHead = checkpoint[0]?.head ?? 0;
    const cursors = rows<{ name: string; cursor: number; head: number }>("SELECT * FROM peers").map(
      ({ name, cursor, head }): [string, number] => [
        name,
        head < savedHead ? (saved.get(name) ?? cursor) : cursor,
      ],
    );
    const attachments: Record<string, object> = {};
    for (const ws of state.getWebSockets()) {
      const { over, memo } = ws.deserializeAttachment() as Remembered;
      const { link, acked, ready } = memo;
      if (!over) attachments[link.name] = { id: link.id, acked, ready };
    }
    return { log, cursors, attachments };
  });
}

/** Puts the failure of this connection into the same inbox as the next join. */
export function injectFailureWithJoin(
  room: TestRoom,
  { id, connection }: PersonConnection,
  when: "before" | "behind",
): Promise<void> {
  return room.inside((object, state) => {
    const ws = room.socketsOf(state, connection.name).find((one) => idOf(one) === id);
    if (ws === undefined) throw new Error(`${connection.name} has no socket`);
    object.fetch = (request) => {
      Reflect.deleteProperty(object, "fetch");
      if (when === "before") void object.webSocketClose(ws, 1006);
      const answer = object.fetch(request);
      if (when === "behind") void object.webSocketError(ws);
      return answer;
    };
  });
}

/** @returns the connection that the signals concerned; undefined if the platform lists none of that name */
export function injectSignals(
  room: TestRoom,
  { who, which, signals, inOneTurn }: Extract<Step, { type: "signal" }>,
): Promise<string | undefined> {
  return room.inside(async (object, state) => {
    const sockets = room.socketsOf(state, who);
    const ws = sockets[which % Math.max(1, sockets.length)];
    if (ws === undefined) return undefined;
    // The attachment identifies the connection; an answer to the Close does not change it.
    const id = idOf(ws);
    const turns = signals.map(async (signal) => {
      if (signal === "close") return object.webSocketClose(ws, 1006);
      return object.webSocketError(ws);
    });
    if (inOneTurn) await Promise.all(turns);
    else for (const one of turns) await one;
    return id;
  });
}

/** A connection other than the current one sends a message, if there is one. */
export function injectStaleMessage(
  room: TestRoom,
  { who, which, current }: { who: string; which: number; current: string | undefined },
): Promise<void> {
  return room.inside(async (object, state) => {
    const stale = room.socketsOf(state, who).filter((ws) => idOf(ws) !== current);
    const ws = stale[which % Math.max(1, stale.length)];
    const frame = { type: "send", id: "stale", text: "stale" };
    if (ws !== undefined) await object.webSocketMessage(ws, JSON.stringify(frame));
  });
}

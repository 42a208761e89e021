/**
 * The room's side of the world: what the Durable Object does around the broker (src/durable-object/chat-room.ts), on plain data.
 *
 * The broker, its wake, the peers, the pump are the real ones; each turn runs on a copy of the state before it. Two
 * things are harder on the broker than the object is: every event reaches it, also of connections that are over, so
 * its own fence is what is explored; and any state may be lost at any time.
 */
import { Broker } from "../../src/core/broker.ts";
import { REPLACED } from "../../src/core/close-frames.ts";
import type { Event } from "../../src/core/event.ts";
import { nextConnectionId, type RoomName } from "../../src/protocol/ids.ts";
import type { AdminRequest } from "../../src/protocol/admin.ts";
import { wakeState } from "../../src/core/state.ts";
import { splitAtErase } from "../../src/durable-object/inbox.ts";
import { emptyDisk, MemoryStorage } from "../support/storage/memory-storage.ts";
import { copyState } from "./copy.ts";
import { Oracle } from "./oracle.ts";
import { RecordingConnections } from "./connections.ts";
import {
  changeLink,
  epochOf,
  type ModelInboxItem,
  type ModelConnection,
  linkOf,
  type Room,
  type State,
} from "./state.ts";

const ROOM = "lobby" as RoomName;

/** A handshake reaches the room. */
export function arrives(world: State, { label, handshake }: ModelConnection): State {
  if (handshake === undefined) return world;
  const { room, links } = world;
  const listed = links.flatMap(({ isListed, id }) => (isListed && id ? [id.id] : []));
  const newest = room.newest ?? listed.toSorted().at(-1);
  const id = nextConnectionId(newest, room.now, room.joins);
  const link = { name: handshake.name, id };
  const item: ModelInboxItem = { type: "join", link, join: { room: ROOM, ...handshake } };
  const inbox = [...room.inbox, item];
  return changeLink(
    { ...world, room: { ...room, inbox, newest: id, joins: room.joins + 1 } },
    label,
    { handshake: undefined, id: link },
  );
}

/** What was first on its way up reaches the room. @param again it is a failure signal that will come again */
export function delivers(world: State, { label, up, id }: ModelConnection, again = false): State {
  const [first, ...rest] = up;
  if (first === undefined || id === undefined) return world;
  const item: ModelInboxItem =
    "gone" in first
      ? { type: "gone", link: id, code: first.gone }
      : { type: "frame", link: id, commands: first.commands };
  const inbox = [...world.room.inbox, item];
  return changeLink({ ...world, room: { ...world.room, inbox } }, label, { up: again ? up : rest });
}

/** The operator asks. */
export const asks = (world: State, order: AdminRequest): State => ({
  ...world,
  room: { ...world.room, inbox: [...world.room.inbox, { type: "order", order }] },
});

/**
 * One turn, from the inbox to the sockets.
 * @param failing which part of it cannot be stored
 */
export function takesTurn(world: State, failing?: number): State {
  let after = world;
  for (const [index, part] of splitAtErase(world.room.inbox).entries()) {
    after = takesPart(after, part, index === failing ? 1 : 0);
  }
  return after;
}

/** Only a join makes a room. */
const isWithoutRoom = ({ state, disk }: Room, part: readonly ModelInboxItem[]): boolean =>
  state === undefined &&
  disk.peers.size + disk.segments.length === 0 &&
  !part.some(({ type }) => type === "join");

/** One turn of the broker, with what comes first in the inbox. */
function takesPart(world: State, part: readonly ModelInboxItem[], failures: number): State {
  const { room, limits } = world;
  const later = room.inbox.slice(part.length);
  const disk = { ...room.disk };
  const storage = new MemoryStorage(disk, room.pending);
  storage.failures = failures;
  const sockets = new RecordingConnections(world, storage);
  const release = (): void => {
    for (const item of part) if (item.type === "gone") sockets.released(item.link.id);
  };
  if (isWithoutRoom(room, part)) {
    release();
    return sockets.world({ ...room, inbox: later });
  }
  const { stretch } = world.scope;
  const surroundings = {
    storage,
    connections: sockets,
    limits,
    epoch: epochOf(room),
    ...(stretch !== undefined && { stretch }),
  };
  const state = room.state === undefined ? wake(sockets, storage, room.now) : copyState(room.state);
  const expected = new Oracle(world, state, storage);
  let broker = new Broker(surroundings, state);
  let failed = false;
  try {
    broker.turn(events(part, expected, broker), room.now);
  } catch (error) {
    if (failures === 0) throw error;
    failed = true;
  }
  let memory = state;
  let left = storage;
  if (failed) {
    left = new MemoryStorage(disk);
    sockets.storage = left;
    memory = wake(sockets, left, room.now);
    broker = new Broker({ ...surroundings, storage: left }, memory);
    recovers(broker, part, room.now, sockets);
  }
  release();
  const after = sockets.world({
    ...room,
    disk,
    pending: new Map(left.directory.pending),
    state: memory,
    due: broker.due(room.now),
    inbox: later,
  });
  const compared = expected.compare(world, after, sockets, failed ? part : undefined);
  return broker.isErased ? isErased(compared) : compared;
}

/** Another database, another epoch; what left the room before is still on its way. */
function isErased({ room, ledger, erased, ...rest }: State): State {
  const fresh = { disk: emptyDisk(), pending: new Map(), state: undefined, due: undefined };
  return {
    ...rest,
    room: { ...room, ...fresh, epoch: room.epoch + 1 },
    ledger: [],
    erased: new Map([...erased, [epochOf(room), ledger]]),
  };
}

/** Reads the inbox in arrival order. */
function* events(
  inbox: readonly ModelInboxItem[],
  expected: Oracle,
  broker: Broker,
): Generator<Event, void> {
  for (const item of inbox) {
    for (const event of eventsOf(item)) {
      expected.hears(event);
      yield event;
      if (event.type === "NewPeer") {
        expected.decides(event, broker.peers.get(event.join.name));
      }
    }
  }
}

function eventsOf(item: ModelInboxItem): Event[] {
  switch (item.type) {
    case "join":
      return [{ type: "NewPeer", id: item.link.id, join: item.join }];
    case "frame":
      return item.commands.map((command) => ({
        type: "CommandReceived",
        link: item.link,
        command,
      }));
    case "gone":
      return [{ type: "Disconnect", link: item.link, code: item.code }];
    case "order":
      return [{ type: "Operator", requestId: 0, request: item.order }];
    case "tick":
      return [{ type: "Tick" }];
    default:
      return item satisfies never;
  }
}

/** The storage failed: everyone with an event in this turn is closed; their cursors wait for the next commit. */
function recovers(
  broker: Broker,
  part: readonly ModelInboxItem[],
  now: number,
  sockets: RecordingConnections,
): void {
  const [code, reason] = [4102, "storage trouble"] as const;
  for (const item of part) if (item.type === "join") sockets.close(item.link.id, code);
  const removals = part.flatMap(eventsOf).flatMap((event): Event[] => {
    if (!("link" in event)) return [];
    return [
      event.type === "Disconnect"
        ? event
        : { type: "ConnectionFailed", link: event.link, code, reason },
    ];
  });
  broker.presenceLost(now);
  broker.decide(removals, now);
  broker.deliver(now);
}

function wake(sockets: RecordingConnections, storage: MemoryStorage, now: number) {
  const { state, replaced } = wakeState(sockets.memos, storage.log, now);
  for (const { link } of replaced) sockets.close(link.id, REPLACED.code);
  return state;
}

/** The room hibernates: its memory is lost, the sockets and what they remember stay. */
export const sleeps = (world: State): State => ({
  ...world,
  room: { ...world.room, state: undefined, due: undefined, newest: undefined },
});

/** The same with something due, or in flight. The timer that is lost rings once more, so that the room goes on. */
export function losesMemory(world: State): State {
  const { room, ...rest } = sleeps(world);
  return { ...rest, room: { ...room, inbox: [{ type: "tick" }] }, hasLostNews: true };
}

/**
 * The room loses its memory and all its sockets; no handler runs.
 * @param heard how many frames that were on their way down still arrive, by link
 */
export function crashes(world: State, heard: ReadonlyMap<string, number>): State {
  const clients = world.clients.map((client) => ({ ...client, mayHearAgain: true }));
  let after = sleeps({ ...world, clients, hasLostNews: true });
  for (const { label, isListed, isHeld, isBroken, down } of world.links) {
    if (!isListed && !isHeld) continue;
    const kept = down.slice(0, heard.get(label) ?? 0);
    const end = isBroken ? down : [...kept, { close: 1006 }];
    if (linkOf(after, label)?.handshake !== undefined) continue;
    const ended = { isListed: false, isBroken: true, up: [], down: isHeld ? end : [] };
    after = changeLink(after, label, ended);
  }
  return after;
}

/** The time that the room waits for comes. */
export function timePasses(world: State): State {
  const { room } = world;
  const now = Math.max(room.now, room.due ?? room.now);
  return { ...world, room: { ...room, now, inbox: [{ type: "tick" }] } };
}

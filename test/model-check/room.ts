/**
 * The room's side of the model: what the Durable Object does around the broker (src/durable-object/chat-room.ts), on
 * plain data.
 *
 * The broker, its wake, the peers and the pump are the real ones. Each turn runs on a copy of the previous state. The
 * model is harder on the broker than the object in two ways: every event reaches it, even those of ended connections,
 * so that the broker's own fence is explored; and any state may be lost at any time.
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
  changeConnection,
  epochOf,
  type ModelInboxItem,
  type ModelConnection,
  connectionOf,
  type Room,
  type State,
} from "./state.ts";

const ROOM = "lobby" as RoomName;

/** A handshake reaches the room. */
export function handshakeArrives(state: State, { label, handshake }: ModelConnection): State {
  if (handshake === undefined) return state;
  const { room, connections } = state;
  const listed = connections.flatMap(({ isListed, id }) => (isListed && id ? [id.id] : []));
  const newest = room.newest ?? listed.toSorted().at(-1);
  const id = nextConnectionId(newest, room.now, room.joins);
  const link = { name: handshake.name, id };
  const item: ModelInboxItem = { type: "join", link, join: { room: ROOM, ...handshake } };
  const inbox = [...room.inbox, item];
  return changeConnection(
    { ...state, room: { ...room, inbox, newest: id, joins: room.joins + 1 } },
    label,
    { handshake: undefined, id: link },
  );
}

/** The first frame in transit reaches the room. @param again a failure signal that will be repeated */
export function frameArrives(
  state: State,
  { label, up, id }: ModelConnection,
  again = false,
): State {
  const [first, ...rest] = up;
  if (first === undefined || id === undefined) return state;
  const item: ModelInboxItem =
    "gone" in first
      ? { type: "gone", link: id, code: first.gone }
      : { type: "frame", link: id, commands: first.commands };
  const inbox = [...state.room.inbox, item];
  return changeConnection({ ...state, room: { ...state.room, inbox } }, label, {
    up: again ? up : rest,
  });
}

/** An admin request reaches the room. */
export const adminRequestArrives = (state: State, request: AdminRequest): State => ({
  ...state,
  room: { ...state.room, inbox: [...state.room.inbox, { type: "admin", request }] },
});

/**
 * One turn, from the inbox to the sockets.
 * @param failing the part whose commit fails
 */
export function takesTurn(state: State, failing?: number): State {
  let after = state;
  for (const [index, part] of splitAtErase(state.room.inbox).entries()) {
    after = takesPart(after, part, index === failing ? 1 : 0);
  }
  return after;
}

/** Only a join creates a room. */
const hasNoRoom = ({ brokerState, disk }: Room, part: readonly ModelInboxItem[]): boolean =>
  brokerState === undefined &&
  disk.peers.size + disk.segments.length === 0 &&
  !part.some(({ type }) => type === "join");

/** One turn of the broker, with the first part of the inbox. */
function takesPart(state: State, part: readonly ModelInboxItem[], failures: number): State {
  const { room, limits } = state;
  const later = room.inbox.slice(part.length);
  const disk = { ...room.disk };
  const storage = new MemoryStorage(disk, room.pending);
  storage.failures = failures;
  const connections = new RecordingConnections(state, storage);
  const release = (): void => {
    for (const item of part) if (item.type === "gone") connections.released(item.link.id);
  };
  if (hasNoRoom(room, part)) {
    release();
    return connections.stateAfter({ ...room, inbox: later });
  }
  const { stretch } = state.scope;
  const roomContext = {
    storage,
    connections,
    limits,
    epoch: epochOf(room),
    ...(stretch !== undefined && { stretch }),
  };
  const brokerState =
    room.brokerState === undefined
      ? wake(connections, storage, room.now)
      : copyState(room.brokerState);
  const oracle = new Oracle(state, brokerState, storage);
  let broker = new Broker(roomContext, brokerState);
  let failed = false;
  try {
    broker.turn(events(part, oracle, broker), room.now);
  } catch (error) {
    if (failures === 0) throw error;
    failed = true;
  }
  let memory = brokerState;
  let current = storage;
  if (failed) {
    current = new MemoryStorage(disk);
    connections.storage = current;
    memory = wake(connections, current, room.now);
    broker = new Broker({ ...roomContext, storage: current }, memory);
    recovers(broker, part, room.now, connections);
  }
  release();
  const after = connections.stateAfter({
    ...room,
    disk,
    pending: new Map(current.directory.pending),
    brokerState: memory,
    due: broker.due(room.now),
    inbox: later,
  });
  const compared = oracle.compare(state, after, connections, failed ? part : undefined);
  return broker.isErased ? eraseRoom(compared) : compared;
}

/** A new database and epoch. Frames of the old room are still in transit. */
function eraseRoom({ room, ledger, erased, ...rest }: State): State {
  const fresh = {
    disk: emptyDisk(),
    pending: new Map(),
    brokerState: undefined,
    due: undefined,
  } satisfies Partial<Room>;
  return {
    ...rest,
    room: { ...room, ...fresh, epoch: room.epoch + 1 },
    ledger: [],
    erased: new Map([...erased, [epochOf(room), ledger]]),
  };
}

/** Yields the events of the inbox in arrival order. */
function* events(
  inbox: readonly ModelInboxItem[],
  oracle: Oracle,
  broker: Broker,
): Generator<Event, void> {
  for (const item of inbox) {
    for (const event of eventsOf(item)) {
      oracle.observe(event);
      yield event;
      if (event.type === "NewPeer") {
        oracle.observeJoin(event, broker.peers.get(event.join.name));
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
    case "admin":
      return [{ type: "Operator", requestId: 0, request: item.request }];
    case "tick":
      return [{ type: "Tick" }];
    default:
      return item satisfies never;
  }
}

/** The commit failed: closes every connection with an event in this turn; their cursors wait for the next commit. */
function recovers(
  broker: Broker,
  part: readonly ModelInboxItem[],
  now: number,
  connections: RecordingConnections,
): void {
  const [code, reason] = [4102, "storage error"] as const;
  for (const item of part) if (item.type === "join") connections.close(item.link.id, code);
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

function wake(connections: RecordingConnections, storage: MemoryStorage, now: number) {
  const { state, replaced } = wakeState(connections.snapshots, storage.log, now);
  for (const { link } of replaced) connections.close(link.id, REPLACED.code);
  return state;
}

/** The room hibernates: it loses its memory, and keeps the sockets and their attachments. */
export const sleeps = (state: State): State => ({
  ...state,
  room: { ...state.room, brokerState: undefined, due: undefined, newest: undefined },
});

/** As `sleeps`, but with something due or in flight. The lost timer fires once more, so that the room continues. */
export function losesMemory(state: State): State {
  const { room, ...rest } = sleeps(state);
  return { ...rest, room: { ...room, inbox: [{ type: "tick" }] }, hasLostPresence: true };
}

/**
 * The room loses its memory and all sockets; no handler runs.
 * @param arriving by connection, the number of frames to the client that still arrive
 */
export function crashes(state: State, arriving: ReadonlyMap<string, number>): State {
  const clients = state.clients.map((client) => ({ ...client, mayHearAgain: true }));
  let after = sleeps({ ...state, clients, hasLostPresence: true });
  for (const { label, isListed, isHeld, isBroken, down } of state.connections) {
    if (!isListed && !isHeld) continue;
    const kept = down.slice(0, arriving.get(label) ?? 0);
    const end = isBroken ? down : [...kept, { close: 1006 }];
    if (connectionOf(after, label)?.handshake !== undefined) continue;
    const ended = { isListed: false, isBroken: true, up: [], down: isHeld ? end : [] };
    after = changeConnection(after, label, ended);
  }
  return after;
}

/** Time advances to the room's next timer. */
export function timePasses(state: State): State {
  const { room } = state;
  const now = Math.max(room.now, room.due ?? room.now);
  return { ...state, room: { ...room, now, inbox: [{ type: "tick" }] } };
}

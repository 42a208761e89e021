/**
 * The clients' side of the model: the shipped client's state machine (session.ts, connection-state.ts) between an
 * application and a connection. It is driven as in client.ts: take a frame, choose what to send, save, then send.
 *
 * A process that dies between the save and the send looks, to everyone else, like one whose last frames were lost in
 * transit; a process that dies before the save, like one that had not received the frame. Breaking connections cover
 * both. So the record here is always the saved one, and the application's progress is kept with it.
 */
import type { Command } from "../../src/core/event.ts";
import type { PeerName, Seq } from "../../src/protocol/ids.ts";
import {
  isOfOtherHistory,
  markSent,
  nextAttempt,
  nextToSend,
  ofHistory,
  withdraw,
} from "../../src/client/session.ts";
import type { Queued } from "../../src/client/storage/storage.ts";
import { applyOutcome, handleMessage, transition } from "./client-messages.ts";
import { Violation } from "./explorer.ts";
import { checkView, seqOf } from "./view.ts";
import {
  changeClient,
  changeConnection,
  type Client,
  type ModelConnection,
  connectionOf,
  ledgerOf,
  type ScriptedItem,
  type State,
} from "./state.ts";

/** The state after a first failed attempt, so that the next attempt is the first that counts. */
export const OFFLINE: Client["connectionState"] = {
  type: "offline",
  tries: 0,
  retryAt: 0,
  why: "",
};

/** A client starts a handshake. */
export function connects(state: State, index: number, client: Client): State {
  const record = nextAttempt(client.record, 0);
  const { cursor, epoch, session: token, attempt } = record;
  const label = `${client.name}#${index}.${attempt}`;
  const { name, dialect } = client;
  const position = cursor === undefined ? {} : { since: cursor as Seq };
  const handshake = {
    name,
    owner: "",
    dialect,
    ...(dialect === "chat.v1" && {
      ...position,
      ...(epoch !== undefined && { epoch }),
      session: { token, attempt },
    }),
  };
  const connection: ModelConnection = {
    label,
    client: index,
    handshake,
    id: undefined,
    snapshot: undefined,
    isOver: false,
    isListed: false,
    isHeld: true,
    isBroken: false,
    isDying: false,
    isReady: false,
    markCount: 0,
    up: [],
    down: [],
    roster: [],
  };
  // The network's return does not wait for the next retry.
  const next = transition({ ...client, record, socket: label, isAway: false }, { type: "awake" });
  return changeClient({ ...state, connections: [...state.connections, connection] }, index, next);
}

/** A client takes one frame, or learns that its connection ended. */
export function hears(
  state: State,
  index: number,
  client: Client,
  connection: ModelConnection,
): State {
  const [first, ...down] = connection.down;
  if (first === undefined) return state;
  if ("close" in first) return connectionEnds(state, index, client, connection, first.close);
  const birth = connection.snapshot?.birth ?? 0;
  let next = transition(client, { type: "opened" });
  for (const out of first.outs) next = handleMessage(state, next, out, birth);
  const { position } = next;
  checkView(next, ledgerOf(state, next.view.epoch ?? ""), { position, birth });
  return sendBatch(changeConnection(state, connection.label, { down }), index, next);
}

/** The connection has ended for the client, which answers a Close frame after everything that it has sent. */
function connectionEnds(
  state: State,
  index: number,
  client: Client,
  connection: ModelConnection,
  code: number,
): State {
  const up =
    connection.isBroken || !connection.isListed
      ? connection.up
      : [...connection.up, { gone: code }];
  const after = changeConnection(state, connection.label, {
    isHeld: false,
    isBroken: true,
    down: [],
    up,
  });
  return changeClient(after, index, closes(client, code));
}

/** A `chat.line` client is a person, who returns after any close code. */
export function closes(client: Client, code: number): Client {
  const isLine = client.dialect === "chat.line";
  const after = transition(client, {
    type: "ended",
    code: isLine ? 1006 : code,
    reason: "",
    spread: 0,
    freshKey: false,
  });
  if (!isLine && code >= 4000 && code < 4100 && after.connectionState.type !== "closed") {
    throw new Violation("R1", `${client.name} was closed with ${code} and does not stop`);
  }
  const isAway = client.isAway || code === 4100;
  return { ...after, socket: undefined, mark: undefined, handed: new Set(), isAway };
}

/** A client accepts a message from its user. */
export function says(state: State, index: number, client: Client): State {
  const line = client.script[client.saidCount];
  if (line === undefined) return state;
  const next = { ...client, saidCount: client.saidCount + 1 };
  if (client.dialect === "chat.line") {
    const to = line.to && { to: line.to as PeerName[] };
    const command: Command = { type: "Message", text: line.label, ...to };
    return changeClient(send(state, next, [command]), index, next);
  }
  const queued = ofHistory(queuedOf(client, line), client.record.epoch);
  const record = { ...client.record, outbox: [...client.record.outbox, queued] };
  const { target, label } = line;
  const { view } = client;
  const referredIn =
    target === undefined
      ? client.referredIn
      : new Map([...client.referredIn, [label, view.epoch ?? ""]]);
  return sendBatch(state, index, { ...next, record, referredIn });
}

/** What the client's application asks for. */
function queuedOf(client: Client, { label: id, to, target, change }: ScriptedItem): Queued {
  const ref = target === undefined ? undefined : seqOf(client, target);
  if (change !== undefined && ref !== undefined) {
    return { type: "patch", id, ref, ...change, sent: false };
  }
  return { id, text: id, ...(to && { to }), ...(ref !== undefined && { ref }), sent: false };
}

/** The end of a round: everything is saved, and new frames go up in one array frame. */
function sendBatch(state: State, index: number, saying: Client): State {
  if (saying.dialect === "chat.line") return changeClient(state, index, saying);
  const isLive = saying.connectionState.type === "live";
  const client = isLive ? withdrawVoid(state, saying) : saying;
  const batch = isLive ? nextToSend(client.record, client.handed, 100) : [];
  const record = markSent(client.record, batch);
  const cursor = record.cursor ?? 0;
  const isHeard =
    client.connectionState.type === "live" || client.connectionState.type === "replaying";
  const acks: Command[] =
    isHeard && (cursor > client.acked || client.mark?.isShown === false)
      ? [{ type: "Ack", seq: cursor as Seq, ...(client.mark && { k: client.mark.k }) }]
      : [];
  const sends = batch.map(commandOf);
  const handed =
    batch.length === 0 ? client.handed : new Set([...client.handed, ...batch.map(({ id }) => id)]);
  const mark = acks.length > 0 && client.mark ? { ...client.mark, isShown: true } : client.mark;
  const acked = acks.length > 0 ? cursor : client.acked;
  const next = { ...client, record, handed, acked, mark };
  return changeClient(send(state, next, [...acks, ...sends]), index, next);
}

/** Reports and removes what refers to an entry of another room (send-queue.ts). */
function withdrawVoid(state: State, client: Client): Client {
  let next = client;
  for (const queued of client.record.outbox) {
    if (queued.unknown || client.handed.has(queued.id)) continue;
    if (!isOfOtherHistory(client.record, queued)) continue;
    next = applyOutcome(state, next, withdraw(next.record, queued, "unknown-ref", ""), 0);
  }
  return next;
}

function commandOf(queued: Queued): Command {
  const { id, text, data } = queued;
  const ref = queued.ref as Seq | undefined;
  if (queued.type === "patch") {
    return { type: "Patch", id, ref: queued.ref as Seq, text, data, erase: queued.erase };
  }
  const to = queued.to as readonly PeerName[] | undefined;
  return { type: "Message", id, text: queued.text, ...(to && { to }), ...(ref && { ref }) };
}

function send(state: State, { socket }: Client, commands: readonly Command[]): State {
  const connection = connectionOf(state, socket);
  if (connection === undefined || connection.isBroken || commands.length === 0) return state;
  return changeConnection(state, connection.label, { up: [...connection.up, { commands }] });
}

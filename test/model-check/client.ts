/**
 * The clients' side of the model: the shipped client's state machine (session.ts, connection-state.ts) between an
 * application and a connection. It is driven as in client.ts: take a frame, choose what to send, save, then send.
 *
 * A process that dies between the save and the send looks, to everyone else, like one whose last frames were lost in
 * transit; a process that dies before the save, like one that had not received the frame. Breaking connections cover
 * both. So the record here is always the saved one, and the application's progress is kept with it.
 */
import type { Command, ServerMessage } from "../../src/core/event.ts";
import type { PeerName, Seq } from "../../src/protocol/ids.ts";
import { type ConnectionEvent, step } from "../../src/client/connection-state.ts";
import {
  type Effect,
  markSent,
  type Message,
  nextAttempt,
  nextToSend,
  onError,
  onGap,
  onMessage,
  onReady,
  onWelcome,
  type Outcome,
} from "../../src/client/session.ts";
import { Violation } from "./explorer.ts";
import { checkNothingSkipped } from "./invariants.ts";
import {
  changeClient,
  changeConnection,
  type Client,
  labelOf,
  ledgerOf,
  type ModelConnection,
  connectionOf,
  type State,
} from "./state.ts";

/** The state after a first failed attempt, so that the next attempt is the first that counts. */
export const OFFLINE: Client["connectionState"] = {
  type: "offline",
  tries: 0,
  retryAt: 0,
  why: "",
};

const MOMENT = { now: 0, random: 0 };

const transition = (client: Client, signal: ConnectionEvent): Client => ({
  ...client,
  connectionState: step(client.connectionState, signal, MOMENT).link,
});

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
  return sendBatch(changeConnection(state, connection.label, { down }), index, next);
}

/**
 * The connection has ended for the client, which answers a Close frame after everything that it has sent.
 */
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
  const to = line.to && { to: line.to };
  const queued = { id: line.label, text: line.label, ...to, sent: false };
  const record = { ...client.record, outbox: [...client.record.outbox, queued] };
  return sendBatch(state, index, { ...next, record });
}

/** The end of a round: everything is saved, and new frames go up in one array frame. */
function sendBatch(state: State, index: number, client: Client): State {
  if (client.dialect === "chat.line") return changeClient(state, index, client);
  const batch =
    client.connectionState.type === "live" ? nextToSend(client.record, client.handed, 100) : [];
  const record = markSent(client.record, batch);
  const cursor = record.cursor ?? 0;
  const isHeard =
    client.connectionState.type === "live" || client.connectionState.type === "replaying";
  const acks: Command[] =
    isHeard && (cursor > client.acked || client.mark?.isShown === false)
      ? [{ type: "Ack", seq: cursor as Seq, ...(client.mark && { k: client.mark.k }) }]
      : [];
  const sends = batch.map(({ id, text, to }): Command => {
    const names = to && { to: to as readonly PeerName[] };
    return { type: "Message", id, text, ...names };
  });
  const handed =
    batch.length === 0 ? client.handed : new Set([...client.handed, ...batch.map(({ id }) => id)]);
  const mark = acks.length > 0 && client.mark ? { ...client.mark, isShown: true } : client.mark;
  const acked = acks.length > 0 ? cursor : client.acked;
  const next = { ...client, record, handed, acked, mark };
  return changeClient(send(state, next, [...acks, ...sends]), index, next);
}

function send(state: State, { socket }: Client, commands: readonly Command[]): State {
  const connection = connectionOf(state, socket);
  if (connection === undefined || connection.isBroken || commands.length === 0) return state;
  return changeConnection(state, connection.label, { up: [...connection.up, { commands }] });
}

/** Handles one message of the room as client.ts does. */
function handleMessage(state: State, client: Client, out: ServerMessage, birth: number): Client {
  const { record, name, handed } = client;
  switch (out.type) {
    case "welcome":
      return handleWelcome(state, client, out, birth);
    case "entries": {
      let next = client;
      for (const entry of out.entries) {
        const { frame: _frame, bytes: _bytes, ...fields } = entry;
        const message = { type: "message", ...fields } as Message;
        next = assertCursor(
          applyOutcome(state, next, onMessage(next.record, message, name), birth),
        );
      }
      return transition(next, { type: "heard" });
    }
    case "mark":
      return { ...client, mark: { k: out.k, isShown: false } };
    case "gap":
      return transition(assertCursor(applyOutcome(state, client, onGap(record, out), birth)), {
        type: "heard",
      });
    case "ready": {
      const next = applyOutcome(state, client, onReady(record, out.seq, handed), birth);
      checkNothingSkipped(storedFor(state, next), next, (next.record.cursor ?? 0) + 1, birth);
      const position = Math.max(next.position, out.seq);
      return assertCursor({ ...transition(next, { type: "ready" }), position });
    }
    case "error": {
      const { code, message, id } = out.refusal;
      const frame = { type: "error", code, message, ...(id !== undefined && { id }) } as const;
      return assertCursor(applyOutcome(state, client, onError(record, frame), birth));
    }
    default:
      return client;
  }
}

function handleWelcome(
  state: State,
  client: Client,
  welcome: Extract<ServerMessage, { type: "welcome" }>,
  birth: number,
): Client {
  const { head, since, epoch } = welcome;
  const { record } = client;
  if (client.dialect === "chat.line") {
    return transition(transition(client, { type: "welcomed", since, head }), { type: "ready" });
  }
  // The client's own cursor counts. Where it is void or absent, the room's cursor must not hide an entry.
  if (record.cursor !== undefined && record.epoch === epoch && since !== record.cursor) {
    throw new Violation("R6", `${client.name} resumed from ${record.cursor} and gets ${since}`);
  }
  // Without a cursor, the client continues where any life or device of this name has come to.
  const reached = state.clients
    .filter(({ name }) => name === client.name)
    .map(({ position }) => position);
  let { position } = client;
  if (record.cursor === undefined) position = Math.max(...reached);
  else if (record.epoch !== epoch) position = 0;
  checkNothingSkipped(ledgerOf(state, epoch), { ...client, position }, since + 1, birth);
  const taken = onWelcome(record, welcome);
  const next = { ...client, record: taken, acked: since, position: since as number };
  return assertCursor(transition(next, { type: "welcomed", since, head }));
}

function applyOutcome(
  state: State,
  client: Client,
  { record, effects }: Outcome,
  birth: number,
): Client {
  let next = { ...client, record };
  for (const effect of effects) next = applyEffect(state, next, effect, birth);
  return next;
}

/** Applies what the application sees. */
function applyEffect(state: State, client: Client, effect: Effect, birth: number): Client {
  const { name, position, hidden } = client;
  switch (effect.type) {
    case "entry": {
      const { seq } = effect.entry;
      const label = labelOf(effect.entry);
      if (seq <= position) throw new Violation("R5", `${name} receives ${label} again`);
      checkNothingSkipped(storedFor(state, client), client, seq, birth);
      return { ...client, position: seq };
    }
    case "gap": {
      const { from, to } = effect;
      if (from > position + 1)
        throw new Violation("R6", `${name}: a hole between ${position} and ${from}`);
      if (from <= position || to < from)
        throw new Violation("R5", `${name} receives the gap ${from}..${to} at ${position}`);
      const sent = client.record.outbox.filter((queued) => queued.sent).map(({ id }) => id);
      return { ...client, position: to, hidden: new Set([...hidden, ...sent]) };
    }
    case "confirmed":
      if (!storedFor(state, client).some((entry) => labelOf(entry) === effect.queued.id)) {
        throw new Violation("R5", `${effect.queued.id} is confirmed but not stored`);
      }
      return settle(client, effect.queued.id, "confirmed");
    case "refused":
      if (!state.rejected.has(effect.queued.id)) {
        throw new Violation("R5", `${effect.queued.id} is reported as rejected, but was not`);
      }
      return settle(client, effect.queued.id, "refused");
    case "unknown":
      if (!hidden.has(effect.queued.id)) {
        throw new Violation("R6", `${effect.queued.id} has an unknown fate without a gap`);
      }
      return settle(client, effect.queued.id, "unknown");
    default:
      return effect satisfies never;
  }
}

/** Returns the entries of the epoch that the client's record names. */
const storedFor = (state: State, { record }: Client): State["ledger"] =>
  ledgerOf(state, record.epoch ?? "");

function settle(client: Client, id: string, fate: "confirmed" | "refused" | "unknown"): Client {
  if (client.fates.has(id)) throw new Violation("R5", `${id} is settled twice`);
  const handed = new Set(client.handed);
  handed.delete(id);
  return { ...client, handed, fates: new Map([...client.fates, [id, fate]]) };
}

/** Checks that the record's cursor equals what the application has seen. */
function assertCursor(client: Client): Client {
  const { record, position, name } = client;
  if (record.cursor === position) return client;
  throw new Violation(
    "R5",
    `${name} has seen entries up to ${position}, but its cursor is ${record.cursor}`,
  );
}

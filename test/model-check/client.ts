/**
 * The clients' side of the world: the real client machine (session.ts, link.ts) between an application and a link,
 * driven as client.ts does it: take a frame, decide what goes, save, then speak.
 *
 * A process that dies between the save and the sending is the same, to everyone, as one whose last frames got lost on
 * the way; one that dies before the save, as one that had not got the frame. Links that break cover both, so the
 * record here is always the saved one, and what the application was shown is kept with it.
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
import { nothingSkipped } from "./invariants.ts";
import {
  changeClient,
  changeLink,
  type Client,
  labelOf,
  ledgerOf,
  type ModelConnection,
  linkOf,
  type State,
} from "./state.ts";

/** As if a first try had failed: the next one is the first that counts. */
export const OFFLINE: Client["link"] = { type: "offline", tries: 0, retryAt: 0, why: "" };

const MOMENT = { now: 0, random: 0 };

const signalled = (client: Client, signal: ConnectionEvent): Client => ({
  ...client,
  link: step(client.link, signal, MOMENT).link,
});

/** A client sets out for the room. */
export function connects(world: State, index: number, client: Client): State {
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
  const link: ModelConnection = {
    label,
    client: index,
    handshake,
    id: undefined,
    memo: undefined,
    isOver: false,
    isListed: false,
    isHeld: true,
    isBroken: false,
    isDying: false,
    isReady: false,
    marks: 0,
    up: [],
    down: [],
    view: [],
  };
  // A network that came back does not wait for the next try.
  const next = signalled({ ...client, record, socket: label, isAway: false }, { type: "awake" });
  return changeClient({ ...world, links: [...world.links, link] }, index, next);
}

/** A client takes one frame, or learns that its link ended. */
export function hears(world: State, index: number, client: Client, link: ModelConnection): State {
  const [first, ...down] = link.down;
  if (first === undefined) return world;
  if ("close" in first) return ends(world, index, client, link, first.close);
  const birth = link.memo?.birth ?? 0;
  let next = signalled(client, { type: "opened" });
  for (const out of first.outs) next = understands(world, next, out, birth);
  return speaks(changeLink(world, link.label, { down }), index, next);
}

/** The link has ended for the client. It answers a Close frame, behind all that it has said. */
function ends(
  world: State,
  index: number,
  client: Client,
  link: ModelConnection,
  code: number,
): State {
  const up = link.isBroken || !link.isListed ? link.up : [...link.up, { gone: code }];
  const after = changeLink(world, link.label, { isHeld: false, isBroken: true, down: [], up });
  return changeClient(after, index, letsGo(client, code));
}

/** Behind `chat.line` is a person, who comes back whatever the code says. */
export function letsGo(client: Client, code: number): Client {
  const isLine = client.dialect === "chat.line";
  const after = signalled(client, {
    type: "ended",
    code: isLine ? 1006 : code,
    reason: "",
    spread: 0,
    freshKey: false,
  });
  if (!isLine && code >= 4000 && code < 4100 && after.link.type !== "closed") {
    throw new Violation("R1", `${client.name} was told ${code}, and does not stop`);
  }
  const isAway = client.isAway || code === 4100;
  return { ...after, socket: undefined, mark: undefined, handed: new Set(), isAway };
}

/** A client accepts a message from its user. */
export function says(world: State, index: number, client: Client): State {
  const line = client.script[client.said];
  if (line === undefined) return world;
  const next = { ...client, said: client.said + 1 };
  if (client.dialect === "chat.line") {
    const to = line.to && { to: line.to as PeerName[] };
    const command: Command = { type: "Message", text: line.label, ...to };
    return changeClient(puts(world, next, [command]), index, next);
  }
  const to = line.to && { to: line.to };
  const queued = { id: line.label, text: line.label, ...to, sent: false };
  const record = { ...client.record, outbox: [...client.record.outbox, queued] };
  return speaks(world, index, { ...next, record });
}

/** The end of a round: everything is on record; what is new goes up in one frame. */
function speaks(world: State, index: number, client: Client): State {
  if (client.dialect === "chat.line") return changeClient(world, index, client);
  const batch = client.link.type === "live" ? nextToSend(client.record, client.handed, 100) : [];
  const record = markSent(client.record, batch);
  const cursor = record.cursor ?? 0;
  const isHeard = client.link.type === "live" || client.link.type === "replaying";
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
  return changeClient(puts(world, next, [...acks, ...sends]), index, next);
}

function puts(world: State, { socket }: Client, commands: readonly Command[]): State {
  const link = linkOf(world, socket);
  if (link === undefined || link.isBroken || commands.length === 0) return world;
  return changeLink(world, link.label, { up: [...link.up, { commands }] });
}

/** One thing that the room says, as client.ts takes it. */
function understands(world: State, client: Client, out: ServerMessage, birth: number): Client {
  const { record, name, handed } = client;
  switch (out.type) {
    case "welcome":
      return isWelcomed(world, client, out, birth);
    case "entries": {
      let next = client;
      for (const entry of out.entries) {
        const { frame: _frame, bytes: _bytes, ...fields } = entry;
        const message = { type: "message", ...fields } as Message;
        next = isAt(applies(world, next, onMessage(next.record, message, name), birth));
      }
      return signalled(next, { type: "heard" });
    }
    case "mark":
      return { ...client, mark: { k: out.k, isShown: false } };
    case "gap":
      return signalled(isAt(applies(world, client, onGap(record, out), birth)), { type: "heard" });
    case "ready": {
      const next = applies(world, client, onReady(record, out.seq, handed), birth);
      nothingSkipped(storedFor(world, next), next, (next.record.cursor ?? 0) + 1, birth);
      const position = Math.max(next.position, out.seq);
      return isAt({ ...signalled(next, { type: "ready" }), position });
    }
    case "error": {
      const { code, message, id } = out.refusal;
      const frame = { type: "error", code, message, ...(id !== undefined && { id }) } as const;
      return isAt(applies(world, client, onError(record, frame), birth));
    }
    default:
      return client;
  }
}

function isWelcomed(
  world: State,
  client: Client,
  welcome: Extract<ServerMessage, { type: "welcome" }>,
  birth: number,
): Client {
  const { head, since, epoch } = welcome;
  const { record } = client;
  if (client.dialect === "chat.line") {
    return signalled(signalled(client, { type: "welcomed", since, head }), { type: "ready" });
  }
  // Its own cursor counts; where it is void, or there is none, the room's must hide nothing.
  if (record.cursor !== undefined && record.epoch === epoch && since !== record.cursor) {
    throw new Violation("R6", `${client.name} asked for ${record.cursor} and gets ${since}`);
  }
  // Without a cursor it goes on where any life or device of this name has come to.
  const reached = world.clients
    .filter(({ name }) => name === client.name)
    .map(({ position }) => position);
  let { position } = client;
  if (record.cursor === undefined) position = Math.max(...reached);
  else if (record.epoch !== epoch) position = 0;
  nothingSkipped(ledgerOf(world, epoch), { ...client, position }, since + 1, birth);
  const taken = onWelcome(record, welcome);
  const next = { ...client, record: taken, acked: since, position: since as number };
  return isAt(signalled(next, { type: "welcomed", since, head }));
}

function applies(
  world: State,
  client: Client,
  { record, effects }: Outcome,
  birth: number,
): Client {
  let next = { ...client, record };
  for (const effect of effects) next = happens(world, next, effect, birth);
  return next;
}

/** What the application is shown. */
function happens(world: State, client: Client, effect: Effect, birth: number): Client {
  const { name, position, hidden } = client;
  switch (effect.type) {
    case "entry": {
      const { seq } = effect.entry;
      const label = labelOf(effect.entry);
      if (seq <= position) throw new Violation("R5", `${name} is shown ${label} again`);
      nothingSkipped(storedFor(world, client), client, seq, birth);
      return { ...client, position: seq };
    }
    case "gap": {
      const { from, to } = effect;
      if (from > position + 1)
        throw new Violation("R6", `${name}: between ${position} and ${from}`);
      if (from <= position || to < from)
        throw new Violation("R5", `${name} is told a gap ${from}..${to} at ${position}`);
      const sent = client.record.outbox.filter((queued) => queued.sent).map(({ id }) => id);
      return { ...client, position: to, hidden: new Set([...hidden, ...sent]) };
    }
    case "confirmed":
      if (!storedFor(world, client).some((entry) => labelOf(entry) === effect.queued.id)) {
        throw new Violation("R5", `${effect.queued.id} is confirmed, and not stored`);
      }
      return isDecided(client, effect.queued.id, "confirmed");
    case "refused":
      if (!world.refused.has(effect.queued.id)) {
        throw new Violation("R5", `${effect.queued.id} is called refused, and was not`);
      }
      return isDecided(client, effect.queued.id, "refused");
    case "unknown":
      if (!hidden.has(effect.queued.id)) {
        throw new Violation("R6", `${effect.queued.id} is of unknown fate without a gap`);
      }
      return isDecided(client, effect.queued.id, "unknown");
    default:
      return effect satisfies never;
  }
}

/** What there is to be shown to a client: of the room that its record speaks of. */
const storedFor = (world: State, { record }: Client): State["ledger"] =>
  ledgerOf(world, record.epoch ?? "");

function isDecided(client: Client, id: string, fate: "confirmed" | "refused" | "unknown"): Client {
  if (client.fates.has(id)) throw new Violation("R5", `${id} is decided twice`);
  const handed = new Set(client.handed);
  handed.delete(id);
  return { ...client, handed, fates: new Map([...client.fates, [id, fate]]) };
}

/** The record says what the application was shown, no more and no less. */
function isAt(client: Client): Client {
  const { record, position, name } = client;
  if (record.cursor === position) return client;
  throw new Violation(
    "R5",
    `${name} has seen up to ${position}, and its cursor is ${record.cursor}`,
  );
}

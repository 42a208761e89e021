/**
 * The effect of the room's messages on a client: its record through session.ts, its connection state, and what its
 * application sees. Each message is checked against the entries that are stored.
 */
import type { ServerMessage } from "../../src/core/event.ts";
import { type ConnectionEvent, step } from "../../src/client/connection-state.ts";
import {
  type Effect,
  type Entry,
  onEntry,
  onError,
  onGap,
  onReady,
  onWelcome,
  type Outcome,
} from "../../src/client/session.ts";
import { Violation } from "./explorer.ts";
import { checkNothingSkipped } from "./invariants.ts";
import { type Client, labelOf, ledgerOf, type State, type View } from "./state.ts";
import { EMPTY, receives } from "./view.ts";

const MOMENT = { now: 0, random: 0 };

/** Feeds an event to the client's state machine. */
export const transition = (client: Client, signal: ConnectionEvent): Client => ({
  ...client,
  connectionState: step(client.connectionState, signal, MOMENT).link,
});

/** Handles one message of the room as client.ts does. */
export function handleMessage(
  state: State,
  client: Client,
  out: ServerMessage,
  birth: number,
): Client {
  const { record, name, handed } = client;
  switch (out.type) {
    case "welcome":
      return handleWelcome(state, client, out, birth);
    case "entries": {
      let next = client;
      for (const entry of out.entries) {
        const { frame: _frame, bytes: _bytes, ...fields } = entry;
        const received = fields as Entry;
        next = assertCursor(applyOutcome(state, next, onEntry(next.record, received, name), birth));
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
  const view = viewOf(client, epoch);
  const next = { ...client, record: taken, view, acked: since, position: since as number };
  return assertCursor(transition(next, { type: "welcomed", since, head }));
}

/** Another epoch is another room, where nothing of this view is left. */
const viewOf = ({ view }: Client, epoch: string): View =>
  view.epoch === epoch ? view : { ...EMPTY, epoch };

export function applyOutcome(
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
      return { ...client, position: seq, view: receives(client.view, effect.entry) };
    }
    case "gap": {
      const { from, to } = effect;
      if (from > position + 1)
        throw new Violation("R6", `${name}: a hole between ${position} and ${from}`);
      if (from <= position || to < from)
        throw new Violation("R5", `${name} receives the gap ${from}..${to} at ${position}`);
      const sent = client.record.outbox.filter((queued) => queued.sent).map(({ id }) => id);
      const view = receives(client.view, { type: "gap", from, to });
      return { ...client, position: to, view, hidden: new Set([...hidden, ...sent]) };
    }
    case "confirmed":
      if (!storedFor(state, client).some((entry) => labelOf(entry) === effect.queued.id)) {
        throw new Violation("R5", `${effect.queued.id} is confirmed but not stored`);
      }
      return settle(client, effect.queued.id, "confirmed");
    case "refused":
      if (!state.rejected.has(effect.queued.id) && !isVoid(client, effect)) {
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

/** Returns whether the client itself refuses what refers to a message of another room. */
const isVoid = (
  { referredIn, record }: Client,
  { code, queued }: Extract<Effect, { type: "refused" }>,
): boolean =>
  code === "unknown-ref" && referredIn.has(queued.id) && referredIn.get(queued.id) !== record.epoch;

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

/**
 * The canonical text of a state: equal for states that behave the same from here on, and only for those.
 *
 * Left out, because it decides nothing here:
 * - absolute time: deadlines count as ms from now; and the times of stored entries (no scope lasts a day);
 * - keys that expire, and log quotas: no scope has them;
 * - budgets and rate limits: every state is checked to have plenty (invariants.ts);
 * - bytes sent and not proven to be read, where the scope has no marks: they never fill a stretch there;
 * - the client's times and retry counts, which only set its waits, and it never waits here;
 * - `sent` of a live peer below the pump's `served`, which the pump treats as `served`; `reportedSeq` of a `chat.v1`
 *   peer, which only counts to 1,000, and the order of the sweep for it; `lastAckAt` of a peer with nothing in flight;
 * - connection ids, except for their order within a name.
 * Parts that have not changed keep their text, because they are the same objects.
 */
import type { EntryFields } from "../../src/core/entry.ts";
import type { ServerMessage } from "../../src/core/event.ts";
import { countInFlight } from "../../src/core/peers/in-flight.ts";
import type { ConnectionId } from "../../src/protocol/ids.ts";
import type { Peer } from "../../src/core/peers/peers.ts";
import type { BrokerState } from "../../src/core/state.ts";
import type { Disk } from "../support/storage/memory-storage.ts";
import type { AdminRequest } from "../../src/protocol/admin.ts";
import {
  type Client,
  type FaultBudget,
  type Down,
  type ModelInboxItem,
  labelOf,
  type Ledger,
  type ModelConnection,
  type Room,
  type Up,
  type State,
  type View,
} from "./state.ts";
import { modelOfView } from "./view.ts";

export function canonicalText(state: State): string {
  const { room, connections, clients, rejected, faultsLeft, hasLostPresence, ledger, erased } =
    state;
  const isMarked = state.scope.stretch !== undefined;
  let text = `${roomText(room, isMarked, connections)}\n${textOfLedger(ledger)}\n${textOfFaults(faultsLeft)}\n${hasLostPresence}`;
  for (const client of clients) text += `\n${textOfClient(client)}`;
  for (const connection of connections.map(textOfConnection).sort()) text += `\n${connection}`;
  for (const label of rejected) text += `\n${label}`;
  if (erased.size > 0) text += `\n${textOfErased(erased)}`;
  return text + orderText(connections);
}

/** The order in age of a name's connections. */
function orderText(connections: readonly ModelConnection[]): string {
  if (connections.length < 2) return "";
  const [first, second] = connections;
  if (connections.length === 2 && first?.id?.name !== second?.id?.name) return "";
  const known = connections.flatMap(({ id, label }) => (id ? [{ id, label }] : []));
  const sorted = known.sort((a, b) =>
    `${a.id.name} ${a.id.id}` < `${b.id.name} ${b.id.id}` ? -1 : 1,
  );
  return sorted.map(({ label }) => label).join();
}

const roomTexts = new WeakMap<Room, string>();

/** For the same room object, the labels of its connections are the same too. */
function roomText(room: Room, isMarked: boolean, connections: readonly ModelConnection[]): string {
  let text = roomTexts.get(room);
  if (text !== undefined) return text;
  const labels = new Map<ConnectionId, string>();
  for (const { id, label } of connections) if (id !== undefined) labels.set(id.id, label);
  text = freshRoomText(room, isMarked, labels);
  roomTexts.set(room, text);
  return text;
}

function freshRoomText(
  room: Room,
  isMarked: boolean,
  labels: ReadonlyMap<ConnectionId, string>,
): string {
  const { now, epoch, disk, pending, brokerState, due, inbox } = room;
  const waiting = [...pending].map(([name, known]) => `${name}:${known?.birth}/${known?.cursor}`);
  return [
    epoch,
    textOfDisk(disk),
    waiting.sort(),
    brokerState === undefined ? "asleep" : stateText(brokerState, isMarked, now, labels),
    due === undefined ? "" : due - now,
    ...inbox.map((item) => itemText(item, labels)),
  ].join(";");
}

const itemText = (item: ModelInboxItem, labels: ReadonlyMap<ConnectionId, string>): string => {
  if (item.type === "admin") return requestText(item.request);
  const who = item.type === "tick" ? "" : labels.get(item.link.id);
  return `${item.type}${who}${item.type === "frame" ? upText(item) : ""}`;
};

const requestText = (request: AdminRequest): string => {
  if (request.type === "EraseEntry") return `EraseEntry ${request.seq}`;
  return request.type === "Expel" ? `Expel ${request.name}` : request.type;
};

function stateText(
  state: BrokerState,
  isMarked: boolean,
  now: number,
  labels: ReadonlyMap<ConnectionId, string>,
): string {
  const { peers, presence, broadcast: announcements, flow, pump, eviction: forgetting } = state;
  const {
    allowances: _plenty,
    pingsCheckedAt: _never,
    expiresFrom: _noKeys,
    turnedAt: _neverSet,
    ...rest
  } = state;
  const { grace, joined, left, missed, flushAt, ...more } = presence;
  const { candidates, everyone, concerned, searchedAt, ...others } = forgetting;
  // A new field of the broker's state must be added here: decide whether it is part of the canonical text.
  ({
    peers,
    presence,
    broadcast: announcements,
    flow,
    pump,
    eviction: forgetting,
  }) satisfies typeof rest;
  more satisfies Record<string, never>;
  others satisfies Record<string, never>;
  return [
    ...[...peers.values()].map((peer) => peerText(peer, isMarked, pump.served, now, labels)).sort(),
    [...grace].map(([name, until]) => name + (until - now)),
    [...joined].sort(),
    [...left].sort(),
    missed,
    flushAt === undefined ? "" : flushAt - now,
    announcements.recipients.length,
    flow.flightBytes === 0 && flow.marks === 0 ? "" : flow.stallAt - now,
    pump.served,
    [...pump.runnable].sort(),
    pump.throttled.size,
    candidates.map(({ name }) => name),
    everyone,
    [...concerned].sort(),
    candidates.length === 0 && searchedAt < 0 ? "" : now - searchedAt,
  ].join("|");
}

const marksText = ({ marks }: Pick<Peer, "marks">): string =>
  marks.map(({ k, seq, bytes }) => `${k}@${seq}/${bytes}`).join(" ");

function peerText(
  peer: Peer,
  isMarked: boolean,
  served: number,
  now: number,
  labels: ReadonlyMap<ConnectionId, string>,
): string {
  const {
    link,
    birth,
    welcomeHead,
    ready,
    acked,
    sent,
    live,
    flight,
    pendingReplies: waiting,
    sendFailed: deaf,
  } = peer;
  const isFlying = countInFlight(flight) > 0 || peer.marks.length > 0;
  return [
    labels.get(link.id) ?? link.id,
    birth,
    welcomeHead,
    ready,
    acked,
    live ? Math.max(sent, served) : sent,
    live,
    flight.seqs.slice(flight.next),
    isFlying ? now - peer.lastAckAt : "",
    peer.dialect === "chat.line" ? peer.reportedSeq : "",
    isMarked ? `${peer.tail} ${marksText(peer)}` : "",
    waiting.map(({ type }) => type),
    deaf,
  ].join();
}

/** Caches the texts of immutable objects. */
function kept<Part extends object>(text: (part: Part) => string): (part: Part) => string {
  const texts = new WeakMap<Part, string>();
  return (part) => {
    let known = texts.get(part);
    if (known === undefined) texts.set(part, (known = text(part)));
    return known;
  };
}

const seqAndText = (entry: EntryFields): string => {
  const text = `${entry.seq}:${labelOf(entry)}`;
  const isPlain = entry.type === "message" && entry.patched === undefined;
  return isPlain ? text : text + contentsText(entry);
};

/** The contents of an entry that was changed by a patch, or is one. */
function contentsText({ ref, text, data, patched, by, to, ...entry }: EntryFields): string {
  const { patches, erased, erase } = entry as { patches?: number; erased?: true; erase?: true };
  return JSON.stringify([ref, text, data, patched, by, patches, erased, erase, to]);
}

const textOfLedger = kept((ledger: Ledger) => ledger.map(seqAndText).join());

const textOfErased = kept((erased: State["erased"]) =>
  [...erased.values()].map(textOfLedger).join("/"),
);

const textOfFaults = kept((left: FaultBudget) => Object.values(left).join());

const textOfDisk = kept(({ segments, peers }: Disk): string => {
  const rows = [...peers].map(([name, row]) => `${name}:${row.birth}/${row.cursor}/${row.head}`);
  const stored = segments.map((segment) => segment.map(seqAndText));
  return `${stored.join("/")} ${rows.sort().join()}`;
});

/**
 * The folded view, and what it has not shown yet: the patches without contents above the last one of a message. Two views
 * with the same text go on alike, whatever the order in which they came about.
 */
const textOfView = kept((view: View): string => {
  const { entries, gaps } = modelOfView(view);
  const versions = new Map(entries.map(({ seq, patched }) => [seq, patched ?? seq]));
  const empty = view.received.flatMap((one) =>
    one.type === "patch" && one.seq > (versions.get(one.ref) ?? 0) ? [one.seq] : [],
  );
  return [
    view.epoch,
    ...entries.map((entry) => seqAndText(entry as EntryFields)),
    ...gaps.map(({ from, to }) => `${from}..${to}`),
    [...new Set(empty)],
  ].join();
});

const textOfClient = kept((client: Client): string => {
  const {
    record,
    connectionState,
    socket,
    acked,
    handed,
    saidCount,
    isAway,
    position,
    fates,
    hidden,
    view,
    referredIn,
  } = client;
  const { attempt, cursor, epoch, outbox, session } = record;
  const code = connectionState.type === "closed" ? connectionState.code : "";
  const waits = outbox.map(
    ({ id, sent, unknown, ref, epoch: of }) =>
      id + (sent ? "s" : "") + (unknown ? "u" : "") + (ref === undefined ? "" : `${ref}/${of}`),
  );
  const { k, isShown } = client.mark ?? { k: "", isShown: true };
  const mark = k + (isShown ? "" : "!");
  const facts = [
    connectionState.type,
    code,
    socket,
    acked,
    mark,
    [...handed],
    saidCount,
    isAway,
    client.mayHearAgain,
  ];
  const modelFields = [
    position,
    [...fates].join("."),
    [...hidden],
    textOfView(view),
    [...referredIn],
  ];
  return [session, attempt, cursor, epoch, waits, ...facts, ...modelFields].join();
});

const textOfConnection = kept((connection: ModelConnection): string => {
  const { label, handshake, snapshot, isOver, isListed, isHeld, isBroken, up, down, roster } =
    connection;
  const { isDying, isReady } = connection;
  const flags = [isOver, isListed, isHeld, isBroken, isDying, isReady].map(Number).join("");
  const asked = handshake ? `${handshake.since}/${handshake.epoch}` : "";
  const kept = snapshot
    ? `${snapshot.acked}/${snapshot.ready}/${snapshot.welcomeHead}/${snapshot.birth}`
    : "";
  const ways = [up.map(upText).join(" "), down.map(downText).join(" ")];
  return [label, flags, asked, kept, ...ways, roster].join("~");
});

export const upText = (up: Up): string =>
  "gone" in up ? `gone(${up.gone})` : `[${up.commands.map(commandText).join(" ")}]`;

const commandText = (command: Extract<Up, { commands: unknown }>["commands"][number]): string => {
  if (command.type === "Ack")
    return `ack ${command.seq}${command.k === undefined ? "" : ` ${command.k}`}`;
  if (command.type === "Patch") return `${command.id} of ${command.ref}`;
  if (command.type !== "Message") return command.type;
  return command.ref === undefined ? command.text : `${command.text} to ${command.ref}`;
};

export const downText = (down: Down): string =>
  "close" in down ? `close(${down.close})` : `[${down.outs.map(outText).join(" ")}]`;

function outText(out: ServerMessage): string {
  switch (out.type) {
    case "welcome":
      return `welcome since ${out.since} head ${out.head} ${out.epoch}`;
    case "entries":
      return out.entries.map(seqAndText).join(" ");
    case "gap":
      return `gap ${out.from}..${out.to}`;
    case "ready":
      return `ready ${out.seq}`;
    case "mark":
      return `mark ${out.k}`;
    case "error":
      return `rejected ${out.refusal.id}`;
    default:
      return out.type;
  }
}

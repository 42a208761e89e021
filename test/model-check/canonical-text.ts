/**
 * The canonical text of a world: equal for worlds that behave the same from here on, and only for those.
 *
 * Left out, because it decides nothing here:
 * - absolute time: what is due is told as ms from now; and the times of what is stored (no scope is a day long);
 * - keys that expire, and shares of the log: there are none in these worlds;
 * - budgets and allowances, which every state is checked to have plenty of (rules.ts);
 * - what was sent and is not proven to be read, where the scope has no marks: it never fills a stretch there;
 * - the client's times and tries, which only decide how long it waits, and it waits for nothing here;
 * - `sent` of a live peer below what all live peers were served, which the pump reads as that; `told` of a `chat.v1`
 *   peer, which counts to 1,000, and whose turn it is to be looked at for that; `progressAt` of a peer with nothing in flight;
 * - the ids of connections but for their order within a name.
 * Parts that have not changed keep their text: they are the same objects.
 */
import type { Entry } from "../../src/core/entry.ts";
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
  type ModelConnection,
  type Room,
  type Up,
  type State,
} from "./state.ts";

export function textOf(world: State): string {
  const { room, links, clients, refused, left, hasLostNews, ledger, erased } = world;
  const isMarked = world.scope.stretch !== undefined;
  let text = `${roomText(room, isMarked, links)}\n${textOfLedger(ledger)}\n${textOfLeft(left)}\n${hasLostNews}`;
  for (const client of clients) text += `\n${textOfClient(client)}`;
  for (const link of links.map(textOfLink).sort()) text += `\n${link}`;
  for (const label of refused) text += `\n${label}`;
  if (erased.size > 0) text += `\n${textOfErased(erased)}`;
  return text + orderText(links);
}

/** Which of a name's connections is newer. */
function orderText(links: readonly ModelConnection[]): string {
  if (links.length < 2) return "";
  const [first, second] = links;
  if (links.length === 2 && first?.id?.name !== second?.id?.name) return "";
  const known = links.flatMap(({ id, label }) => (id ? [{ id, label }] : []));
  const sorted = known.sort((a, b) =>
    `${a.id.name} ${a.id.id}` < `${b.id.name} ${b.id.id}` ? -1 : 1,
  );
  return sorted.map(({ label }) => label).join();
}

const roomTexts = new WeakMap<Room, string>();

/** As long as it is the same room, whom it speaks of has the same labels. */
function roomText(room: Room, isMarked: boolean, links: readonly ModelConnection[]): string {
  let text = roomTexts.get(room);
  if (text !== undefined) return text;
  const labels = new Map<ConnectionId, string>();
  for (const { id, label } of links) if (id !== undefined) labels.set(id.id, label);
  text = freshRoomText(room, isMarked, labels);
  roomTexts.set(room, text);
  return text;
}

function freshRoomText(
  room: Room,
  isMarked: boolean,
  labels: ReadonlyMap<ConnectionId, string>,
): string {
  const { now, epoch, disk, pending, state, due, inbox } = room;
  const waiting = [...pending].map(([name, known]) => `${name}:${known?.birth}/${known?.cursor}`);
  return [
    epoch,
    textOfDisk(disk),
    waiting.sort(),
    state === undefined ? "asleep" : stateText(state, isMarked, now, labels),
    due === undefined ? "" : due - now,
    ...inbox.map((item) => itemText(item, labels)),
  ].join(";");
}

const itemText = (item: ModelInboxItem, labels: ReadonlyMap<ConnectionId, string>): string => {
  if (item.type === "order") return orderedText(item.order);
  const who = item.type === "tick" ? "" : labels.get(item.link.id);
  return `${item.type}${who}${item.type === "frame" ? upText(item) : ""}`;
};

const orderedText = (order: AdminRequest): string => {
  if (order.type === "Redact") return `Redact ${order.seq}`;
  return order.type === "Expel" ? `Expel ${order.name}` : order.type;
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
  // Whoever gives the room more to remember is to say here what it means for a state.
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

/** Keeps the text of what never changes. */
function kept<Part extends object>(text: (part: Part) => string): (part: Part) => string {
  const texts = new WeakMap<Part, string>();
  return (part) => {
    let known = texts.get(part);
    if (known === undefined) texts.set(part, (known = text(part)));
    return known;
  };
}

const textOfLedger = kept((ledger: readonly Entry[]) => ledger.map(labelOf).join());

const textOfErased = kept((erased: State["erased"]) =>
  [...erased.values()].map(textOfLedger).join("/"),
);

const textOfLeft = kept((left: FaultBudget) => Object.values(left).join());

const seqAndText = (entry: Entry): string =>
  `${entry.seq}:${labelOf(entry)}${entry.redacted ? " without its text" : ""}`;

const textOfDisk = kept(({ segments, peers }: Disk): string => {
  const rows = [...peers].map(([name, row]) => `${name}:${row.birth}/${row.cursor}/${row.head}`);
  const stored = segments.map((segment) => segment.map(seqAndText));
  return `${stored.join("/")} ${rows.sort().join()}`;
});

const textOfClient = kept((client: Client): string => {
  const { record, link, socket, acked, handed, said, isAway, position, fates, hidden } = client;
  const { attempt, cursor, epoch, outbox, session } = record;
  const code = link.type === "closed" ? link.code : "";
  const waits = outbox.map(
    ({ id, sent, unknown }) => id + (sent ? "s" : "") + (unknown ? "u" : ""),
  );
  const { k, isShown } = client.mark ?? { k: "", isShown: true };
  const mark = k + (isShown ? "" : "!");
  const facts = [
    link.type,
    code,
    socket,
    acked,
    mark,
    [...handed],
    said,
    isAway,
    client.mayHearAgain,
  ];
  const ghosts = [position, [...fates].join("."), [...hidden]];
  return [session, attempt, cursor, epoch, waits, ...facts, ...ghosts].join();
});

const textOfLink = kept((link: ModelConnection): string => {
  const { label, handshake, memo, isOver, isListed, isHeld, isBroken, up, down, view } = link;
  const { isDying, isReady } = link;
  const flags = [isOver, isListed, isHeld, isBroken, isDying, isReady].map(Number).join("");
  const asked = handshake ? `${handshake.since}/${handshake.epoch}` : "";
  const kept = memo ? `${memo.acked}/${memo.ready}/${memo.welcomeHead}/${memo.birth}` : "";
  const ways = [up.map(upText).join(" "), down.map(downText).join(" ")];
  return [label, flags, asked, kept, ...ways, view].join("~");
});

export const upText = (up: Up): string =>
  "gone" in up ? `gone(${up.gone})` : `[${up.commands.map(commandText).join(" ")}]`;

const commandText = (command: Extract<Up, { commands: unknown }>["commands"][number]): string => {
  if (command.type === "Ack")
    return `ack ${command.seq}${command.k === undefined ? "" : ` ${command.k}`}`;
  return command.type === "Message" ? command.text : command.type;
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
      return `refused ${out.refusal.id}`;
    default:
      return out.type;
  }
}

/** The rules of docs/protocol.md, section 6, as checks of a state. The checks of a turn are in oracle.ts. */
import { concerns, type EntryFields, isOperatorPatch } from "../../src/core/entry.ts";
import type { ServerMessage } from "../../src/core/event.ts";
import { countInFlight } from "../../src/core/peers/in-flight.ts";
import { STRETCH_BYTES } from "../../src/core/limits.ts";
import { EPHEMERAL_RESERVE_BYTES } from "../../src/core/delivery/turn-output.ts";
import { type Seq, addSeq } from "../../src/protocol/ids.ts";
import type { ConnectionSnapshot } from "../../src/core/ports.ts";
import type { MemoryStorage } from "../support/storage/memory-storage.ts";
import { Violation } from "./explorer.ts";
import { entryAt } from "./ledger.ts";
import { type Client, labelOf, type Ledger, type State } from "./state.ts";
import { checkView } from "./view.ts";

type Leaving = ServerMessage | { readonly type: "open"; readonly memo: ConnectionSnapshot };

/**
 * R3: what the room sends is on its disk, so it never sends a text that was changed or erased. R6, R8: a gap is real; an
 * entry concerns the receiver, and so does the message that a patch changes.
 */
export function checkOutgoing(
  out: Leaving,
  snapshot: ConnectionSnapshot,
  { isCommitting, log, directory }: MemoryStorage,
  ledger: Ledger,
): void {
  if (isCommitting) throw new Violation("R3", `${out.type} was sent before the commit`);
  const { name } = snapshot.link;
  switch (out.type) {
    case "open":
      if (directory.pending.has(name))
        throw new Violation("R3", `${name} is welcomed before the commit`);
      return;
    case "entries":
      for (const entry of out.entries) {
        const [stored] = log.after(addSeq(entry.seq, -1)).entries;
        if (stored !== entry && stored?.frame !== entry.frame) {
          throw new Violation("R3", `${name} receives ${entry.seq}, which is not stored`);
        }
        if (!concerns(entry, name) || entry.seq <= snapshot.birth) {
          throw new Violation("R8", `${name} receives ${entry.seq}, which does not concern them`);
        }
        const target = entry.type === "patch" ? entryAt(ledger, entry.ref) : undefined;
        if (target === undefined || target.to === undefined) continue;
        if (!concerns(target, name) || target.seq <= snapshot.birth) {
          throw new Violation(
            "R8",
            `${name} receives a patch of ${target.seq}, which does not concern them`,
          );
        }
      }
      return;
    case "gap":
      if (out.to > Math.max(log.first - 1, snapshot.birth)) {
        throw new Violation("R6", `${name} receives a gap up to ${out.to}, which is still stored`);
      }
      return;
    case "welcome":
      return isStored(out.head, log.head);
    case "ready":
      return isStored(out.seq, log.head);
    default:
  }
}

function isStored(seq: Seq, head: Seq): void {
  if (seq > head) throw new Violation("R3", `${seq} was sent, but the log ends with ${head}`);
}

/** Returns the first entry between two positions that concerns `name`. */
const firstBetween = (
  ledger: Ledger,
  name: ConnectionSnapshot["link"]["name"],
  { above, below }: { readonly above: number; readonly below: number },
  isShown: (entry: EntryFields) => boolean = () => true,
): EntryFields | undefined =>
  ledger.find((e) => e.seq > above && e.seq < below && concerns(e, name) && isShown(e));

/** R5: no entry that concerns `client` lies between its position and `below`. */
export function checkNothingSkipped(
  ledger: Ledger,
  client: Client,
  below: number,
  birth: number,
): void {
  const above = Math.max(client.position, birth);
  const lost = firstBetween(ledger, client.name, { above, below });
  if (lost !== undefined)
    throw new Violation("R5", `${client.name} does not receive ${labelOf(lost)}`);
}

/** R5 for `chat.line`: an open socket gets each entry once, in order, without a hole. */
export function checkLineDelivery(
  client: Client,
  outs: readonly ServerMessage[],
  { birth }: ConnectionSnapshot,
  ledger: Ledger,
): Client {
  let { position } = client;
  const isShown = (entry: EntryFields): boolean => isShownOnLine(entry, client.name);
  for (const out of outs) {
    if (out.type === "gap") position = Math.max(position, out.to);
    if (out.type !== "entries") continue;
    for (const entry of out.entries) {
      const { seq } = entry;
      if (seq <= position) {
        if (client.mayHearAgain) continue;
        throw new Violation("R5", `${client.name} receives ${labelOf(entry)} again`);
      }
      const range = { above: Math.max(position, birth), below: seq };
      const lost = firstBetween(ledger, client.name, range, isShown);
      if (lost !== undefined)
        throw new Violation("R5", `${client.name} does not receive ${labelOf(lost)}`);
      position = seq;
    }
  }
  return position === client.position ? client : { ...client, position };
}

/** A person with a line has typed their own messages; what the operator does to them is news. */
const isShownOnLine = (entry: EntryFields, name: Client["name"]): boolean =>
  entry.from !== name || entry.to?.includes(name) === true || isOperatorPatch(entry);

/** R5: each message is stored once, in the order in which it was sent; a rejected message is never stored. */
export function isSound(state: State): void {
  const { clients, ledger, limits, room } = state;
  for (const { name, script, fates } of clients) {
    const stored = ledger
      .filter(({ from }) => from === name)
      .map(labelOf)
      .filter((text) => script.some(({ label }) => label === text));
    const order = stored.map((text) => script.findIndex(({ label }) => label === text));
    if (order.some((place, index) => index > 0 && place <= (order[index - 1] ?? -1))) {
      const texts = stored.join(" ");
      throw new Violation("R5", `${name} sent each once and in order, but stored is ${texts}`);
    }
    for (const text of stored) {
      if (fates.get(text) === "refused")
        throw new Violation("R5", `${text} is stored and reported as rejected`);
    }
  }
  for (const {
    acked,
    sent,
    flight,
    dialect,
    budget,
    unproven,
    tail,
    marks,
    link,
  } of room.brokerState?.peers.values() ?? []) {
    if (acked > Math.max(sent, room.brokerState?.pump.served ?? 0)) {
      throw new Violation("pump", `${link.name}: acked ${acked} is above sent ${sent}`);
    }
    if (dialect === "chat.v1" && countInFlight(flight) > limits.window) {
      throw new Violation("R8", `${countInFlight(flight)} are in flight to ${link.name}`);
    }
    // Not part of the canonical text, so they must never decide anything.
    if (budget.level <= 2 * EPHEMERAL_RESERVE_BYTES) {
      throw new Error("the scope is too large: a budget could run out");
    }
    if (unproven !== marks.reduce((sum, { bytes }) => sum + bytes, tail)) {
      throw new Violation(
        "R8",
        `${link.name}: ${unproven} unproven bytes are not the sum of ${tail} and its marks`,
      );
    }
    if (dialect === "chat.v1" && marks.some(({ seq }) => acked > seq)) {
      throw new Violation(
        "R8",
        `${link.name} acknowledged ${acked}, beyond a mark that it has not returned`,
      );
    }
    if (state.scope.stretch === undefined && unproven >= STRETCH_BYTES / 2) {
      throw new Error("the scope is too large: a stretch could fill up");
    }
  }
  const peers = [...(room.brokerState?.peers.values() ?? [])];
  const sums = [
    [
      (room.brokerState?.flow.unproven ?? 0) + (room.brokerState?.flow.unprovenLines ?? 0),
      peers.reduce((sum, { unproven }) => sum + unproven, 0),
    ],
    [room.brokerState?.flow.marks ?? 0, peers.reduce((sum, { marks }) => sum + marks.length, 0)],
  ] as const;
  for (const [count, sum] of sums) {
    if (count !== sum) throw new Violation("R8", `the room counts ${count}, its peers ${sum}`);
  }
  for (const { level } of room.brokerState?.allowances.values() ?? []) {
    if (level < limits.burst / 2)
      throw new Error("the scope is too large: an allowance could run out");
  }
}

/** R11, R9: no quiet step is left. Checks that everything is delivered and settled. */
export function isGoodEnd(state: State): void {
  const { room, clients, ledger } = state;
  const { brokerState } = room;
  for (const client of clients) {
    const { name, connectionState, record, position, dialect, isAway } = client;
    if (connectionState.type === "closed") {
      const rivals = clients.filter(
        (other) => other.name === name && other.connectionState.type === "live",
      );
      if (connectionState.code === 4001 && rivals.length === 1) continue;
      // oracle.ts checks that the operator caused this close.
      if (connectionState.code === 4004 || connectionState.code === 4005) continue;
      throw new Violation("R11", `${name} was closed for good with ${connectionState.code}`);
    }
    if (isAway) continue;
    if (connectionState.type !== "live") throw new Violation("R11", `${name} never becomes ready`);
    const birth = room.disk.peers.get(name)?.birth ?? 0;
    const range = { above: Math.max(position, birth), below: Number.POSITIVE_INFINITY };
    const isShown = (entry: EntryFields): boolean =>
      dialect === "chat.v1" || isShownOnLine(entry, name);
    const lost = firstBetween(ledger, name, range, isShown);
    if (lost !== undefined) throw new Violation("R11", `${labelOf(lost)} never reaches ${name}`);
    checkView(client, ledger, { position: ledger.length, birth });
    const [undecided] = record.outbox;
    if (undecided !== undefined) throw new Violation("R11", `${undecided.id} is never settled`);
  }
  if (brokerState === undefined) return;
  if (room.due !== undefined)
    throw new Violation("R9", "the room keeps a timer although nothing happens");
  const online = [...brokerState.peers.keys(), ...brokerState.presence.grace.keys()].toSorted();
  const here = new Set(
    clients
      .filter(({ connectionState }) => connectionState.type === "live")
      .map(({ name }) => name),
  );
  if (online.join() !== [...here].toSorted().join()) {
    throw new Violation(
      "R11",
      `listed as online: ${online.join()}; connected: ${[...here].join()}`,
    );
  }
  for (const peer of brokerState.peers.values()) {
    if (countInFlight(peer.flight) > 0)
      throw new Violation("R11", `something stays in flight to ${peer.link.name}`);
    if (peer.marks.length > 0) throw new Violation("R11", `${peer.link.name} never returns a mark`);
  }
  if (!state.scope.watchesPresence || state.hasLostPresence) return;
  for (const { label, isHeld, roster } of state.connections) {
    if (isHeld && roster.join() !== online.join()) {
      throw new Violation(
        "R11",
        `${label} was notified that ${roster.join()} are online, not ${online.join()}`,
      );
    }
  }
}

/**
 * What one turn must do, said a second time and more simply: from the events in arrival order, who is connected after
 * it, since when, which messages it stores and which it turns down, what the operator's orders do. Compared with what
 * the broker did.
 */
import { concerns } from "../../src/core/entry.ts";
import type { Event, ServerMessage } from "../../src/core/event.ts";
import {
  type ConnectionId,
  type PeerName,
  type Seq,
  addSeq,
  SEQ_ZERO,
} from "../../src/protocol/ids.ts";
import type { AdminRequest } from "../../src/protocol/admin.ts";
import type { Peer } from "../../src/core/peers/peers.ts";
import type { BrokerState } from "../../src/core/state.ts";
import type { MemoryStorage } from "../support/storage/memory-storage.ts";
import { Violation } from "./explorer.ts";
import type { RecordingConnections } from "./connections.ts";
import { epochOf, type ModelInboxItem, labelOf, type State } from "./state.ts";

interface Current {
  readonly id: ConnectionId;
  readonly token: string | undefined;
  readonly attempt: number;
  readonly birth: Seq;
}

export class Oracle {
  readonly #storage: MemoryStorage;
  readonly #names: number;
  readonly #epoch: string;
  readonly #before: ReadonlyMap<PeerName, Current>;
  readonly #current: Map<PeerName, Current>;
  readonly #stored: string[] = [];
  readonly #refused: { readonly label: string; readonly id: ConnectionId }[] = [];
  readonly #replaced: ConnectionId[] = [];
  /** Whom the operator has ended, and with which code. */
  readonly #ended = new Map<ConnectionId, number>();
  readonly #erased = new Set<Seq>();
  /** Names that the operator has expelled, and that did not come back in the same turn. */
  readonly #forgotten = new Set<PeerName>();
  /** Who is to be told that a text was erased. */
  readonly #bereft: { readonly seq: Seq; readonly id: ConnectionId }[] = [];
  /** Who missed what their name's former life left behind. */
  readonly #late: { readonly id: ConnectionId; readonly from: Seq; readonly to: Seq }[] = [];
  /** Since when the name concerns itself that is about to be let in. */
  #birth: Seq = SEQ_ZERO;

  constructor(world: State, state: BrokerState, storage: MemoryStorage) {
    this.#storage = storage;
    this.#names = world.limits.names;
    this.#epoch = epochOf(world.room);
    const current = [...state.peers.values()].map(({ link, session, birth }) => {
      const { token, attempt = 0 } = session ?? {};
      return [link.name, { id: link.id, token, attempt, birth }] as const;
    });
    this.#before = new Map(current);
    this.#current = new Map(current);
  }

  /** The broker is about to take this event. */
  hears(event: Event): void {
    if (event.type === "Disconnect" && this.#isCurrent(event.link)) {
      this.#current.delete(event.link.name);
    }
    if (event.type === "Operator") return this.#obeys(event.request);
    if (event.type === "NewPeer") {
      const known = this.#storage.directory.find(event.join.name);
      this.#birth = known?.birth ?? this.#head;
      this.#forgotten.delete(event.join.name);
    }
    if (event.type !== "CommandReceived" || event.command.type !== "Message") return;
    if (!this.#isCurrent(event.link)) return;
    const { to = [] } = event.command;
    const label = labelOf(event.command);
    if (to.every((name) => this.#isKnown(name))) this.#stored.push(label);
    else this.#refused.push({ label, id: event.link.id });
  }

  #obeys(order: AdminRequest): void {
    switch (order.type) {
      case "Expel":
        this.#forgotten.add(order.name);
        return this.#ends(order.name, 4004);
      case "Erase":
        for (const name of Array.from(this.#current.keys())) this.#ends(name, 4005);
        return;
      case "Redact": {
        const entry = this.#storage.log.find(order.seq);
        if (entry === undefined || entry.redacted || this.#erased.has(entry.seq)) return;
        this.#erased.add(entry.seq);
        for (const [name, { id, birth }] of this.#current) {
          const isTheirs = entry.seq > birth && concerns(entry, name);
          if (isTheirs || entry.to === undefined) this.#bereft.push({ seq: entry.seq, id });
        }
        return;
      }
      default:
        throw new Error(`no scope has the order ${order.type}`);
    }
  }

  #ends(name: PeerName, code: number): void {
    const current = this.#current.get(name);
    if (current === undefined) return;
    this.#ended.set(current.id, code);
    this.#current.delete(name);
  }

  /** The head, what was said in this turn included. */
  get #head(): Seq {
    return addSeq(this.#storage.log.head, this.#stored.length);
  }

  /** The broker has let this connection in, or not. */
  decides({ id, join }: Extract<Event, { type: "NewPeer" }>, peer: Peer | undefined): void {
    const isAdmitted = peer?.link.id === id;
    const rival = this.#current.get(join.name);
    const { token, attempt = 0 } = join.session ?? {};
    const isOvertaken = token !== undefined && rival?.token === token && attempt <= rival.attempt;
    if (isAdmitted === isOvertaken && (isAdmitted || !this.#isFull(join.name))) {
      const what = isAdmitted ? "an overtaken handshake won" : "a newer handshake was refused";
      throw new Violation("R1", `${what}: ${join.name}`);
    }
    if (!isAdmitted) return;
    const birth = this.#birth;
    if (peer.birth !== birth) {
      throw new Violation("R8", `${join.name} was born at ${birth}, not at ${peer.birth}`);
    }
    const { since, epoch } = join;
    if (since !== undefined && epoch === this.#epoch && since < birth) {
      this.#late.push({ id, from: addSeq(since, 1), to: birth });
    }
    if (rival !== undefined) this.#replaced.push(rival.id);
    this.#current.set(join.name, { id, token, attempt, birth });
  }

  /**
   * @param lost the events of a turn that was not stored
   * @returns the world after the turn
   * @throws Violation
   */
  compare(
    before: State,
    after: State,
    sockets: RecordingConnections,
    lost: readonly ModelInboxItem[] | undefined,
  ): State {
    if (lost !== undefined) {
      this.#comparePeers(this.#removedBy(lost), after, sockets);
      return after;
    }
    const fresh = after.ledger.slice(before.ledger.length).map(labelOf);
    if (fresh.join() !== this.#stored.join()) {
      const [wanted, got] = [this.#stored, fresh].map((labels) => labels.join(" ") || "nothing");
      throw new Violation("R2, R4", `${got} was stored where ${wanted} was said`);
    }
    this.#comparePeers(this.#current, after, sockets);
    this.#lettingGo(before, sockets);
    for (const id of this.#replaced) {
      if (sockets.closed.get(id) !== 4001) throw new Violation("R6", "the replaced was not told");
    }
    this.#compareOrders(after, sockets);
    for (const { id, from, to } of this.#late) {
      const [, gap] = sockets.sent.get(id) ?? [];
      const isTold = gap?.type === "gap" && gap.from === from && gap.to === to;
      if (this.#isHere(id, after, sockets) && !isTold)
        throw new Violation("R6", `the gap ${from}..${to} is not told right after the welcome`);
    }
    for (const { label, id } of this.#refused) this.#isTold(label, id, after, sockets);
    if (this.#refused.length === 0) return after;
    const labels = this.#refused.map(({ label }) => label);
    return { ...after, refused: new Set([...after.refused, ...labels]) };
  }

  /** R1, R2: the peers are the current connections, and so are the sockets that are not over. */
  #comparePeers(
    wanted: ReadonlyMap<PeerName, Current>,
    after: State,
    sockets: RecordingConnections,
  ): void {
    const peers = [...(after.room.state?.peers.values() ?? [])].map(({ link }) => link.id);
    // The room itself may end a link, for what it fails to acknowledge.
    const ids = [...wanted.values()]
      .map(({ id }) => id)
      .filter((id) => sockets.closed.get(id) !== 4201);
    const listed = after.links.flatMap(({ id, isListed, isOver }) =>
      id && isListed && !isOver ? [id.id] : [],
    );
    const text = (list: string[]): string => list.toSorted().join();
    if (text(peers) !== text(ids)) {
      throw new Violation("R1, R2", `the peers are ${text(peers)}, not ${text(ids)}`);
    }
    if (text(peers) !== text(listed)) {
      throw new Violation("R2", `the peers are ${text(peers)}, the open sockets ${text(listed)}`);
    }
  }

  /** R11: unless its frames are held up, a link that is whole is never given up for what it fails to acknowledge. */
  #lettingGo({ links, scope }: State, { closed }: RecordingConnections): void {
    if (scope.disturbances.delays !== undefined) return;
    for (const { id, label, isListed, isHeld, isBroken } of links) {
      if (id === undefined || closed.get(id.id) !== 4201) continue;
      if (isListed && isHeld && !isBroken)
        throw new Violation("R11", `${label} is let go, and is whole`);
    }
  }

  /** The operator's codes go to whom they are meant for; who can read an erased text is told so. */
  #compareOrders(after: State, sockets: RecordingConnections): void {
    for (const [id, code] of this.#ended) {
      if (sockets.closed.get(id) !== code) throw new Violation("R6", `${id} was not told ${code}`);
    }
    for (const [id, code] of sockets.closed) {
      const isByOperator = code === 4004 || code === 4005;
      if (isByOperator && this.#ended.get(id) !== code)
        throw new Violation("R7", `${id} was closed with ${code}, and nobody wanted that`);
    }
    for (const [name, { birth }] of this.#current) {
      const known = this.#storage.directory.find(name);
      if (known !== undefined && known.birth !== birth)
        throw new Violation("R8", `${name} was born at ${birth}; remembered is ${known.birth}`);
    }
    for (const name of this.#forgotten) {
      if (this.#isKnown(name))
        throw new Violation("R8", `${name} was expelled, and is still known`);
    }
    for (const { seq, id } of this.#bereft) {
      if (!this.#isHere(id, after, sockets) || !sockets.takes(id)) continue;
      const isTold = (out: ServerMessage): boolean => out.type === "redacted" && out.seq === seq;
      if (sockets.sent.get(id)?.some(isTold) !== true)
        throw new Violation("R6", `the text of ${seq} was erased, and ${id} is not told`);
    }
  }

  /** Is it connected, after this turn? */
  #isHere(id: ConnectionId, { room }: State, { closed }: RecordingConnections): boolean {
    const isCurrent = [...this.#current.values()].some((current) => current.id === id);
    return isCurrent && room.state !== undefined && !closed.has(id);
  }

  /** Who was there before a turn that failed, and had no part in it. */
  #removedBy(lost: readonly ModelInboxItem[]): Map<PeerName, Current> {
    const left = new Map(this.#before);
    for (const item of lost) {
      if (!("link" in item)) continue;
      if (left.get(item.link.name)?.id === item.link.id) left.delete(item.link.name);
    }
    return left;
  }

  #isTold(label: string, id: ConnectionId, after: State, sockets: RecordingConnections): void {
    if (!this.#isHere(id, after, sockets)) return;
    if (!sockets.sent.get(id)?.some(({ type }) => type === "error")) {
      throw new Violation("R6", `${label} was refused, and nobody was told`);
    }
  }

  #isCurrent({ name, id }: { readonly name: PeerName; readonly id: ConnectionId }): boolean {
    return this.#current.get(name)?.id === id;
  }

  #isKnown(name: PeerName): boolean {
    return this.#current.has(name) || this.#storage.directory.find(name) !== undefined;
  }

  #isFull(name: PeerName): boolean {
    const { directory } = this.#storage;
    return directory.find(name) === undefined && directory.count() >= this.#names;
  }
}

/**
 * A second, simpler specification of one turn. From the events in arrival order it derives who is connected after the
 * turn and since which seq, which messages are stored and which are rejected, and the effects of admin requests. It
 * compares this with what the broker did.
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
  readonly #rejected: { readonly label: string; readonly id: ConnectionId }[] = [];
  readonly #replaced: ConnectionId[] = [];
  /** The connections that the operator has closed, with their close codes. */
  readonly #closedByAdmin = new Map<ConnectionId, number>();
  readonly #erased = new Set<Seq>();
  /** Names that the operator has expelled and that have not rejoined in the same turn. */
  readonly #forgotten = new Set<PeerName>();
  /** The connections to notify of a redaction. */
  readonly #redactionRecipients: { readonly seq: Seq; readonly id: ConnectionId }[] = [];
  /** The connections to notify of a gap, because they missed entries for an earlier claim of their name. */
  readonly #gapRecipients: { readonly id: ConnectionId; readonly from: Seq; readonly to: Seq }[] =
    [];
  /** The birth of the name that is about to join. */
  #birth: Seq = SEQ_ZERO;

  constructor(state: State, brokerState: BrokerState, storage: MemoryStorage) {
    this.#storage = storage;
    this.#names = state.limits.names;
    this.#epoch = epochOf(state.room);
    const current = [...brokerState.peers.values()].map(({ link, session, birth }) => {
      const { token, attempt = 0 } = session ?? {};
      return [link.name, { id: link.id, token, attempt, birth }] as const;
    });
    this.#before = new Map(current);
    this.#current = new Map(current);
  }

  /** Called before the broker handles this event. */
  observe(event: Event): void {
    if (event.type === "Disconnect" && this.#isCurrent(event.link)) {
      this.#current.delete(event.link.name);
    }
    if (event.type === "Operator") return this.#observeAdmin(event.request);
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
    else this.#rejected.push({ label, id: event.link.id });
  }

  #observeAdmin(request: AdminRequest): void {
    switch (request.type) {
      case "Expel":
        this.#forgotten.add(request.name);
        return this.#close(request.name, 4004);
      case "Erase":
        for (const name of Array.from(this.#current.keys())) this.#close(name, 4005);
        return;
      case "Redact": {
        const entry = this.#storage.log.find(request.seq);
        if (entry === undefined || entry.redacted || this.#erased.has(entry.seq)) return;
        this.#erased.add(entry.seq);
        for (const [name, { id, birth }] of this.#current) {
          const isTheirs = entry.seq > birth && concerns(entry, name);
          if (isTheirs || entry.to === undefined)
            this.#redactionRecipients.push({ seq: entry.seq, id });
        }
        return;
      }
      default:
        throw new Error(`no scope has the request ${request.type}`);
    }
  }

  #close(name: PeerName, code: number): void {
    const current = this.#current.get(name);
    if (current === undefined) return;
    this.#closedByAdmin.set(current.id, code);
    this.#current.delete(name);
  }

  /** The head, including the messages of this turn. */
  get #head(): Seq {
    return addSeq(this.#storage.log.head, this.#stored.length);
  }

  /** Called after the broker has accepted or rejected this connection. */
  observeJoin({ id, join }: Extract<Event, { type: "NewPeer" }>, peer: Peer | undefined): void {
    const isAdmitted = peer?.link.id === id;
    const rival = this.#current.get(join.name);
    const { token, attempt = 0 } = join.session ?? {};
    const isOvertaken = token !== undefined && rival?.token === token && attempt <= rival.attempt;
    if (isAdmitted === isOvertaken && (isAdmitted || !this.#isFull(join.name))) {
      const what = isAdmitted ? "an overtaken handshake won" : "a newer handshake was rejected";
      throw new Violation("R1", `${what}: ${join.name}`);
    }
    if (!isAdmitted) return;
    const birth = this.#birth;
    if (peer.birth !== birth) {
      throw new Violation("R8", `${join.name} was born at ${birth}, not at ${peer.birth}`);
    }
    const { since, epoch } = join;
    if (since !== undefined && epoch === this.#epoch && since < birth) {
      this.#gapRecipients.push({ id, from: addSeq(since, 1), to: birth });
    }
    if (rival !== undefined) this.#replaced.push(rival.id);
    this.#current.set(join.name, { id, token, attempt, birth });
  }

  /**
   * @param lost the events of a turn that was not stored
   * @returns the state after the turn
   * @throws Violation
   */
  compare(
    before: State,
    after: State,
    connections: RecordingConnections,
    lost: readonly ModelInboxItem[] | undefined,
  ): State {
    if (lost !== undefined) {
      this.#comparePeers(this.#peersWithout(lost), after, connections);
      return after;
    }
    const fresh = after.ledger.slice(before.ledger.length).map(labelOf);
    if (fresh.join() !== this.#stored.join()) {
      const [wanted, got] = [this.#stored, fresh].map((labels) => labels.join(" ") || "nothing");
      throw new Violation("R2, R4", `${got} was stored where ${wanted} was sent`);
    }
    this.#comparePeers(this.#current, after, connections);
    this.#checkStalls(before, connections);
    for (const id of this.#replaced) {
      if (connections.closed.get(id) !== 4001)
        throw new Violation("R6", "the replaced connection was not closed with 4001");
    }
    this.#compareAdmin(after, connections);
    for (const { id, from, to } of this.#gapRecipients) {
      const [, gap] = connections.sent.get(id) ?? [];
      const isNotified = gap?.type === "gap" && gap.from === from && gap.to === to;
      if (this.#isConnected(id, after, connections) && !isNotified)
        throw new Violation("R6", `the gap ${from}..${to} does not follow the welcome`);
    }
    for (const { label, id } of this.#rejected) this.#checkRejection(label, id, after, connections);
    if (this.#rejected.length === 0) return after;
    const labels = this.#rejected.map(({ label }) => label);
    return { ...after, rejected: new Set([...after.rejected, ...labels]) };
  }

  /** R1, R2: the peers are the current connections, and so are the open sockets. */
  #comparePeers(
    wanted: ReadonlyMap<PeerName, Current>,
    after: State,
    connections: RecordingConnections,
  ): void {
    const peers = [...(after.room.brokerState?.peers.values() ?? [])].map(({ link }) => link.id);
    // The room itself may close a connection for missing acks.
    const ids = [...wanted.values()]
      .map(({ id }) => id)
      .filter((id) => connections.closed.get(id) !== 4201);
    const listed = after.connections.flatMap(({ id, isListed, isOver }) =>
      id && isListed && !isOver ? [id.id] : [],
    );
    const text = (list: string[]): string => list.toSorted().join();
    if (text(peers) !== text(ids)) {
      throw new Violation("R1, R2", `the peers are ${text(peers)}, not ${text(ids)}`);
    }
    if (text(peers) !== text(listed)) {
      throw new Violation(
        "R2",
        `the peers are ${text(peers)}, the open connections ${text(listed)}`,
      );
    }
  }

  /** R11: unless frames are delayed, the room never closes a working connection for missing acks. */
  #checkStalls({ connections, scope }: State, { closed }: RecordingConnections): void {
    if (scope.faults.delays !== undefined) return;
    for (const { id, label, isListed, isHeld, isBroken } of connections) {
      if (id === undefined || closed.get(id.id) !== 4201) continue;
      if (isListed && isHeld && !isBroken)
        throw new Violation("R11", `${label} was closed although it works`);
    }
  }

  /** The operator's close codes reach the right connections, and every reader of a redacted text is notified. */
  #compareAdmin(after: State, connections: RecordingConnections): void {
    for (const [id, code] of this.#closedByAdmin) {
      if (connections.closed.get(id) !== code)
        throw new Violation("R6", `${id} was not closed with ${code}`);
    }
    for (const [id, code] of connections.closed) {
      const isByOperator = code === 4004 || code === 4005;
      if (isByOperator && this.#closedByAdmin.get(id) !== code)
        throw new Violation("R7", `${id} was closed with ${code} without a request`);
    }
    for (const [name, { birth }] of this.#current) {
      const known = this.#storage.directory.find(name);
      if (known !== undefined && known.birth !== birth)
        throw new Violation("R8", `${name} was born at ${birth}, but ${known.birth} is stored`);
    }
    for (const name of this.#forgotten) {
      if (this.#isKnown(name)) throw new Violation("R8", `${name} was expelled but is still known`);
    }
    for (const { seq, id } of this.#redactionRecipients) {
      if (!this.#isConnected(id, after, connections) || !connections.accepts(id)) continue;
      const isNotified = (out: ServerMessage): boolean =>
        out.type === "redacted" && out.seq === seq;
      if (connections.sent.get(id)?.some(isNotified) !== true)
        throw new Violation("R6", `${seq} was redacted, but ${id} was not notified`);
    }
  }

  /** Whether it is connected after this turn. */
  #isConnected(id: ConnectionId, { room }: State, { closed }: RecordingConnections): boolean {
    const isCurrent = [...this.#current.values()].some((current) => current.id === id);
    return isCurrent && room.brokerState !== undefined && !closed.has(id);
  }

  /** The peers before a failed turn, without those that had an event in it. */
  #peersWithout(lost: readonly ModelInboxItem[]): Map<PeerName, Current> {
    const left = new Map(this.#before);
    for (const item of lost) {
      if (!("link" in item)) continue;
      if (left.get(item.link.name)?.id === item.link.id) left.delete(item.link.name);
    }
    return left;
  }

  #checkRejection(
    label: string,
    id: ConnectionId,
    after: State,
    connections: RecordingConnections,
  ): void {
    if (!this.#isConnected(id, after, connections)) return;
    if (!connections.sent.get(id)?.some(({ type }) => type === "error")) {
      throw new Violation("R6", `${label} was rejected without an error`);
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

/**
 * A second, simpler specification of one turn. From the events in arrival order it derives who is connected after the
 * turn and since which seq, what the log holds (ledger.ts) and what is rejected, and the effects of admin requests. It
 * compares this with what the broker did.
 */
import type { Command, Event } from "../../src/core/event.ts";
import type { ErrorCode } from "../../src/protocol/error-codes.ts";
import {
  type ConnectionId,
  type ConnectionRef as Link,
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
import { checkLog, entryAt, ExpectedLog } from "./ledger.ts";
import {
  type Client,
  epochOf,
  type ModelInboxItem,
  type ScriptedItem,
  labelOf,
  type State,
} from "./state.ts";

interface Rejected {
  readonly label: string;
  readonly id: ConnectionId;
  readonly code: ErrorCode;
}

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
  readonly #clients: readonly Client[];
  readonly #before: ReadonlyMap<PeerName, Current>;
  readonly #current: Map<PeerName, Current>;
  readonly #log: ExpectedLog;
  readonly #rejected: Rejected[] = [];
  readonly #replaced: ConnectionId[] = [];
  /** The connections that the operator has closed, with their close codes. */
  readonly #closedByAdmin = new Map<ConnectionId, number>();
  /** Names that the operator has expelled and that have not rejoined in the same turn. */
  readonly #forgotten = new Set<PeerName>();
  /** The connections to notify of a gap, because they missed entries for an earlier claim of their name. */
  readonly #gapRecipients: { readonly id: ConnectionId; readonly from: Seq; readonly to: Seq }[] =
    [];
  /** The birth of the name that is about to join. */
  #birth: Seq = SEQ_ZERO;

  constructor(state: State, brokerState: BrokerState, storage: MemoryStorage) {
    this.#storage = storage;
    this.#names = state.limits.names;
    this.#epoch = epochOf(state.room);
    this.#clients = state.clients;
    this.#log = new ExpectedLog(state.ledger, storage, (name) => {
      const known = this.#current.get(name) ?? storage.directory.find(name);
      return known?.birth ?? Number.POSITIVE_INFINITY;
    });
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
    if (event.type !== "CommandReceived" || !this.#isCurrent(event.link)) return;
    const { command, link } = event;
    if (command.type === "Message") this.#observeMessage(command, link);
    else if (command.type === "Patch") this.#observePatch(command, link);
  }

  #observeMessage(command: Extract<Command, { type: "Message" }>, { name, id }: Link): void {
    const label = labelOf(command);
    if (command.ref !== undefined) this.#checkMeant(label, command.ref, name);
    if ((command.to ?? []).every((one) => this.#isKnown(one))) this.#log.message(command, name);
    else this.#rejected.push({ label, id, code: "unknown-peer" });
  }

  #observePatch(command: Extract<Command, { type: "Patch" }>, { name, id }: Link): void {
    this.#checkMeant(command.id, command.ref, name);
    const birth = this.#current.get(name)?.birth ?? SEQ_ZERO;
    const code = this.#log.patch(command, { name, birth });
    if (code !== undefined) this.#rejected.push({ label: command.id, id, code });
  }

  /** R5: what refers to a message is sent to no other room, where its seq is that of another one. */
  #checkMeant(label: string, ref: Seq, name: PeerName): void {
    const isIt = (item: ScriptedItem): boolean => item.label === label;
    const client = this.#clients.find((one) => one.name === name && one.script.some(isIt));
    const target = client?.script.find(isIt)?.target;
    const epoch = client?.referredIn.get(label);
    if (epoch !== this.#epoch) {
      throw new Violation("R5", `${label} refers to the room ${epoch}, not to ${this.#epoch}`);
    }
    const entry = entryAt(this.#log.ledger, ref);
    if (entry === undefined || labelOf(entry) !== target)
      throw new Violation("R5", `${label} refers to ${ref} instead of ${target}`);
  }

  #observeAdmin(request: AdminRequest): void {
    switch (request.type) {
      case "Expel":
        this.#forgotten.add(request.name);
        return this.#close(request.name, 4004);
      case "Erase":
        for (const name of Array.from(this.#current.keys())) this.#close(name, 4005);
        return;
      case "EraseEntry":
        return this.#log.eraseByOperator(request.seq);
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
    return this.#log.ledger.length as Seq;
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
    if (this.#log.ledger !== before.ledger || after.ledger !== before.ledger)
      checkLog(connections.storage, this.#log.ledger);
    this.#comparePeers(this.#current, after, connections);
    this.#checkStalls(before, connections);
    for (const id of this.#replaced) {
      if (connections.closed.get(id) !== 4001)
        throw new Violation("R6", "the replaced connection was not closed with 4001");
    }
    this.#compareAdmin(connections);
    for (const { id, from, to } of this.#gapRecipients) {
      const [, gap] = connections.sent.get(id) ?? [];
      const isNotified = gap?.type === "gap" && gap.from === from && gap.to === to;
      if (this.#isConnected(id, after, connections.closed) && !isNotified)
        throw new Violation("R6", `the gap ${from}..${to} does not follow the welcome`);
    }
    for (const rejected of this.#rejected) this.#checkRejection(rejected, after, connections);
    const compared = { ...after, ledger: this.#log.ledger };
    if (this.#rejected.length === 0) return compared;
    const labels = this.#rejected.map(({ label }) => label);
    return { ...compared, rejected: new Set([...after.rejected, ...labels]) };
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

  /** The operator's close codes reach the right connections. */
  #compareAdmin(connections: RecordingConnections): void {
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
  }

  /** Whether it is connected after this turn. */
  #isConnected(id: ConnectionId, { room }: State, closed: RecordingConnections["closed"]): boolean {
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
    { label, id, code }: Rejected,
    after: State,
    { sent, closed }: RecordingConnections,
  ): void {
    if (!this.#isConnected(id, after, closed)) return;
    const errors = (sent.get(id) ?? []).flatMap((out) => (out.type === "error" ? [out] : []));
    // A chat.line client sends no ids.
    if (!errors.some(({ refusal }) => refusal.code === code && (refusal.id ?? label) === label)) {
      throw new Violation("R6", `${label} was rejected without the error ${code}`);
    }
  }

  #isCurrent({ name, id }: Link): boolean {
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

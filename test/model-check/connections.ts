/**
 * The room's connections during one turn: records what the broker does to them, and checks each message that it sends.
 */
import type { ServerMessage } from "../../src/core/event.ts";
import type { ConnectionId, PeerName, Seq } from "../../src/protocol/ids.ts";
import type { Connections, ConnectionSnapshot } from "../../src/core/ports.ts";
import type { MemoryStorage } from "../support/storage/memory-storage.ts";
import { Violation } from "./explorer.ts";
import { checkOutgoing, checkLineDelivery } from "./invariants.ts";
import {
  type Client,
  type Down,
  isInInbox,
  type Ledger,
  type ModelConnection,
  type Room,
  type State,
} from "./state.ts";

export class RecordingConnections implements Connections {
  storage: MemoryStorage;
  readonly #state: State;
  readonly #connections = new Map<ConnectionId, ModelConnection>();
  readonly #clients: Client[];
  readonly #dying: ReadonlySet<ConnectionId>;
  /** The close codes that the room has used. */
  readonly closed = new Map<ConnectionId, number>();
  readonly sent = new Map<ConnectionId, readonly ServerMessage[]>();
  #grown: Ledger | undefined;

  constructor(state: State, storage: MemoryStorage) {
    this.#state = state;
    this.storage = storage;
    this.#clients = [...state.clients];
    for (const connection of state.connections)
      if (connection.id !== undefined) this.#connections.set(connection.id.id, connection);
    const gone = state.room.inbox.flatMap((item) => (item.type === "gone" ? [item.link.id] : []));
    this.#dying = new Set(gone);
  }

  /** The attachments of the connections that the room has not ended. */
  get snapshots(): ConnectionSnapshot[] {
    return [...this.#connections.values()].flatMap(({ isListed, isOver, snapshot }) =>
      isListed && !isOver && snapshot ? [snapshot] : [],
    );
  }

  open(snapshot: ConnectionSnapshot): void {
    checkOutgoing({ type: "open", memo: snapshot }, snapshot, this.storage, this.#state.ledger);
    this.#change(snapshot.link.id, { snapshot, isListed: true });
  }

  /** Whether a send reaches the connection; the runtime may already know that it is dead. */
  accepts(id: ConnectionId): boolean {
    return this.#connections.get(id)?.isDying !== true && !this.#dying.has(id);
  }

  saveSnapshot(snapshot: ConnectionSnapshot): void {
    this.#change(snapshot.link.id, { snapshot });
  }

  send(id: ConnectionId, outs: readonly ServerMessage[]): number | undefined {
    const connection = this.#connections.get(id);
    if (connection?.snapshot === undefined || !connection.isListed || connection.isOver)
      return undefined;
    if (!this.accepts(id)) return undefined;
    for (const out of outs) checkOutgoing(out, connection.snapshot, this.storage, this.#ledger);
    this.sent.set(id, [...(this.sent.get(id) ?? []), ...outs]);
    // Another `ready` is sent only for a position that none of these logs reaches.
    const isReady = outs.some(({ type }) => type === "ready");
    if (isReady && connection.isReady)
      throw new Violation("R6", `${connection.label} gets ready twice`);
    const client = this.#clients[connection.client];
    if (client?.dialect === "chat.line") {
      this.#clients[connection.client] = checkLineDelivery(
        client,
        outs,
        connection.snapshot,
        this.#ledger,
      );
    }
    const roster = this.#state.scope.watchesPresence ? rosterAfter(connection.roster, outs) : [];
    const visible = outs.filter((out) => isVisible(out, connection.snapshot?.dialect));
    const down: Down[] = visible.length === 0 ? [] : [{ outs: visible }];
    const change = { roster, isReady: isReady || connection.isReady };
    this.#change(id, {
      ...change,
      ...(!connection.isBroken && { down: [...connection.down, ...down] }),
    });
    return 100 * outs.length;
  }

  close(id: ConnectionId, code: number): void {
    const connection = this.#connections.get(id);
    if (connection === undefined) return;
    if (connection.isOver) throw new Violation("R2", `${connection.label} is closed twice`);
    this.closed.set(id, code);
    const isNotified = connection.isHeld && !connection.isBroken;
    const down = isNotified ? [...connection.down, { close: code }] : connection.down;
    this.#change(id, { isOver: true, down });
  }

  /** Returns a different token each time. */
  token(id: ConnectionId): string {
    const markCount = (this.#connections.get(id)?.markCount ?? 0) + 1;
    this.#change(id, { markCount });
    return `m${markCount}`;
  }

  /** No pings: the room detects dead connections by missing acks. */
  pinged(): undefined {
    return undefined;
  }

  /** The room has handled the end of this connection. */
  released(id: ConnectionId): void {
    this.#change(id, { isListed: false });
  }

  /** Returns the state after the turn. */
  stateAfter(room: Room): State {
    const ended = (connection: ModelConnection): boolean =>
      !connection.isHeld &&
      !connection.isListed &&
      connection.id !== undefined &&
      !isInInbox(room, connection) &&
      connection.up.every((up) => !("gone" in up) || connection.snapshot === undefined);
    const connections = this.#state.connections
      .map((connection) => (connection.id && this.#connections.get(connection.id.id)) ?? connection)
      .filter((connection) => !ended(connection));
    return { ...this.#state, room, connections, clients: this.#clients, ledger: this.#ledger };
  }

  /** The entries of this turn are added as they are stored; oracle.ts checks and replaces them. */
  get #ledger(): Ledger {
    const { ledger } = this.#state;
    const { head } = this.storage.log;
    if (head <= ledger.length) return ledger;
    if (this.#grown?.length !== head) {
      this.#grown = [...ledger, ...this.storage.log.after(ledger.length as Seq).entries];
    }
    return this.#grown;
  }

  #change(id: ConnectionId, change: Partial<ModelConnection>): void {
    const connection = this.#connections.get(id);
    if (connection !== undefined) this.#connections.set(id, { ...connection, ...change });
  }
}

/** Only these messages change a client's state. For `chat.line`, that is the greeting alone. */
const isVisible = (
  { type }: ServerMessage,
  dialect: ConnectionSnapshot["dialect"] | undefined,
): boolean =>
  dialect === "chat.line"
    ? type === "welcome"
    : ["welcome", "gap", "entries", "ready", "error", "mark"].includes(type);

/** Returns the names online, according to the messages. */
function rosterAfter(
  roster: readonly PeerName[],
  outs: readonly ServerMessage[],
): readonly PeerName[] {
  let names = roster;
  for (const out of outs) {
    if (out.type === "welcome") names = out.peers;
    else if (out.type === "presence") {
      const { joined, left } = out;
      names = [...new Set([...names, ...joined])].filter((name) => !left.includes(name));
    }
  }
  return names.toSorted();
}

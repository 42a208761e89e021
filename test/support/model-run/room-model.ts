/**
 * A room in two hundred lines of plain data: what the real object should do, event by event. No sockets, no SQL, no
 * clock. One event is one turn, and everything that a turn sends has left when it ends.
 *
 * It is written from docs/protocol.md and docs/architecture.md, not from the code: a peer is a position in the log and
 * the entries in flight after it. Whether entries come from memory or from the log makes no difference here.
 */
export type Dialect = "chat.v1" | "chat.line";

export interface Entry {
  readonly seq: number;
  readonly from: string;
  readonly to: readonly string[] | undefined;
  readonly text: string;
}

/** The frames that a connection was sent, in order. */
export type Delivered =
  | { readonly type: "message"; readonly seq: number }
  | { readonly type: "gap"; readonly from: number; readonly to: number };

export interface Join {
  readonly name: string;
  readonly dialect: Dialect;
  readonly key: string;
  /** Of this epoch, or 0. */
  readonly since: number | undefined;
  readonly attempt: number | undefined;
}

/** The state that a connection keeps through hibernation. */
interface ModelSnapshot {
  acked: number;
  ready: boolean;
}

export interface ModelConnection extends Join {
  readonly birth: number;
  readonly welcomeHead: number;
  readonly delivered: Delivered[];
  snapshot: ModelSnapshot;
  acked: number;
  sent: number;
  flight: number[];
  ready: boolean;
  lastAckAt: number;
}

interface ModelMember {
  readonly key: string;
  readonly birth: number;
  /** The room's own stored cursor for the name. */
  cursor: number;
}

export const WINDOW = 4;
export const LOG_ENTRIES = 12;
const CHECKPOINT = 256;
const GRACE_MS = 15_000;
const STALL_MS = 90_000;

export class RoomModel {
  /** All entries ever stored; those below `first` are trimmed. */
  readonly log: Entry[] = [];
  /** The last entry of each stored segment. */
  #segments: number[] = [];
  first = 1;
  readonly names = new Map<string, ModelMember>();
  readonly online = new Map<string, ModelConnection>();
  readonly grace = new Map<string, number>();
  now = 0;

  get head(): number {
    return this.log.length;
  }

  /** Names that count as online. */
  get here(): string[] {
    return [...new Set([...this.online.keys(), ...this.grace.keys()])].sort();
  }

  concerns(entry: Entry, name: string): boolean {
    return entry.to === undefined || entry.from === name || entry.to.includes(name);
  }

  /** @returns the connection, or the close code that rejects it */
  joins(join: Join): ModelConnection | number {
    const known = this.names.get(join.name);
    const rival = this.online.get(join.name);
    if (known !== undefined && known.key !== join.key) return 4003;
    const { attempt } = join;
    if (attempt !== undefined && rival?.attempt !== undefined && attempt <= rival.attempt) {
      return 4201;
    }
    const { key, birth } = known ?? { key: join.key, birth: this.head };
    if (known === undefined) this.names.set(join.name, { key, birth, cursor: this.head });
    const own = rival === undefined ? (known?.cursor ?? this.head) : this.cursorOf(rival);
    const since = join.since === 0 ? birth : (join.since ?? Math.max(own, birth));
    const connection: ModelConnection = {
      ...join,
      birth,
      welcomeHead: this.head,
      delivered: [],
      snapshot: { acked: since, ready: false },
      acked: since,
      sent: since,
      flight: [],
      ready: false,
      lastAckAt: this.now,
    };
    this.online.set(join.name, connection);
    this.grace.delete(join.name);
    this.#serve(connection);
    this.#remember(connection);
    return connection;
  }

  /** One turn, one segment. */
  says(from: string, texts: readonly string[], to: readonly string[] | undefined): void {
    const before = this.head;
    for (const text of texts) this.log.push({ seq: this.head + 1, from, to, text });
    this.#segments.push(this.head);
    for (const oldest of this.#segments.slice(0, -1)) {
      if (this.head - this.first + 1 <= LOG_ENTRIES) break;
      this.#segments.shift();
      this.first = oldest + 1;
    }
    // The checkpoint holds the cursors before this turn's entries are sent.
    const isCheckpoint = Math.floor(before / CHECKPOINT) < Math.floor(this.head / CHECKPOINT);
    for (const connection of isCheckpoint ? this.online.values() : []) {
      this.#save(connection.name, this.cursorOf(connection, before));
    }
    this.serves();
    const sender = this.online.get(from);
    if (sender?.dialect === "chat.line") this.#remember(sender);
  }

  acks(connection: ModelConnection, seq: number): void {
    if (seq <= connection.acked || seq > this.head) return;
    connection.acked = seq;
    connection.flight = connection.flight.filter((one) => one > seq);
    connection.sent = Math.max(connection.sent, seq);
    connection.lastAckAt = this.now;
    this.#serve(connection);
    this.#remember(connection);
  }

  /** The only removal. */
  removes(connection: ModelConnection, isClean: boolean): void {
    if (this.online.get(connection.name) !== connection) return;
    this.online.delete(connection.name);
    this.#save(connection.name, this.cursorOf(connection));
    if (!isClean) this.grace.set(connection.name, this.now + GRACE_MS);
  }

  /** Does what is due at `now`. @returns the connections that the room closed with 4201 */
  turns(): ModelConnection[] {
    const dead = [...this.online.values()].filter(
      (connection) => connection.flight.length > 0 && connection.lastAckAt + STALL_MS <= this.now,
    );
    for (const connection of dead) this.removes(connection, false);
    for (const [name, until] of this.grace) if (until <= this.now) this.grace.delete(name);
    return dead;
  }

  /** Loses memory; keeps sockets. */
  wakes(): void {
    this.grace.clear();
    for (const connection of this.online.values()) {
      connection.acked = connection.snapshot.acked;
      connection.sent = connection.snapshot.acked;
      connection.ready = connection.snapshot.ready;
      connection.flight = [];
      connection.lastAckAt = this.now;
    }
  }

  /** After a wake, every connection is served from its acknowledged position. */
  serves(): void {
    for (const connection of this.online.values()) this.#serve(connection);
  }

  /** Loses memory and sockets, without a close. */
  crashes(): void {
    this.grace.clear();
    this.online.clear();
  }

  /** The peer has processed everything up to here. */
  cursorOf(connection: ModelConnection, head = this.head): number {
    if (connection.flight.length > 0) return connection.acked;
    const waits = this.log
      .slice(connection.sent, head)
      .find((entry) => entry.seq > connection.birth && this.concerns(entry, connection.name));
    // Pending entries without anything in flight exist only between a wake and its first turn.
    return waits === undefined && connection.sent >= this.first - 1 ? head : connection.sent;
  }

  #serve(connection: ModelConnection): void {
    const count = connection.delivered.length;
    this.#pump(connection);
    const isShown = connection.delivered.slice(count).some((one) => this.isShown(connection, one));
    const becomesReady = !connection.ready && connection.sent >= connection.welcomeHead;
    if (becomesReady) connection.ready = true;
    if (becomesReady || (isShown && connection.dialect === "chat.line")) this.#remember(connection);
  }

  #pump(connection: ModelConnection): void {
    if (connection.sent + 1 < this.first) {
      if (!this.#push(connection, this.first - 1, connection.sent)) return;
      connection.delivered.push({ type: "gap", from: connection.sent + 1, to: this.first - 1 });
      connection.sent = this.first - 1;
    }
    for (const entry of this.log.slice(connection.sent)) {
      if (entry.seq > connection.birth && this.concerns(entry, connection.name)) {
        if (!this.#push(connection, entry.seq, entry.seq - 1)) break;
        connection.delivered.push({ type: "message", seq: entry.seq });
      }
      connection.sent = entry.seq;
    }
  }

  #push(connection: ModelConnection, seq: number, below: number): boolean {
    if (connection.dialect === "chat.line") return true;
    if (connection.flight.length >= WINDOW) return false;
    if (connection.flight.length === 0) {
      connection.acked = Math.max(connection.acked, below);
      connection.lastAckAt = this.now;
    }
    connection.flight.push(seq);
    return true;
  }

  /** A `chat.line` peer does not receive its own messages, unless it addressed itself. */
  isShown(connection: ModelConnection, delivered: Delivered): boolean {
    const entry = delivered.type === "message" ? this.log[delivered.seq - 1] : undefined;
    if (connection.dialect === "chat.v1") return true;
    return (
      entry !== undefined &&
      (entry.from !== connection.name || (entry.to?.includes(connection.name) ?? false))
    );
  }

  #remember(connection: ModelConnection): void {
    connection.snapshot = { acked: this.cursorOf(connection), ready: connection.ready };
  }

  #save(name: string, cursor: number): void {
    const known = this.names.get(name);
    if (known !== undefined) known.cursor = cursor;
  }
}

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

/** What a connection was sent, in order. */
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

/** What a connection keeps through hibernation. */
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
    const link: ModelConnection = {
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
    this.online.set(join.name, link);
    this.grace.delete(join.name);
    this.#serve(link);
    this.#remember(link);
    return link;
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
    for (const link of isCheckpoint ? this.online.values() : []) {
      this.#save(link.name, this.cursorOf(link, before));
    }
    this.serves();
    const sender = this.online.get(from);
    if (sender?.dialect === "chat.line") this.#remember(sender);
  }

  acks(link: ModelConnection, seq: number): void {
    if (seq <= link.acked || seq > this.head) return;
    link.acked = seq;
    link.flight = link.flight.filter((one) => one > seq);
    link.sent = Math.max(link.sent, seq);
    link.lastAckAt = this.now;
    this.#serve(link);
    this.#remember(link);
  }

  /** The only removal. */
  removes(link: ModelConnection, isClean: boolean): void {
    if (this.online.get(link.name) !== link) return;
    this.online.delete(link.name);
    this.#save(link.name, this.cursorOf(link));
    if (!isClean) this.grace.set(link.name, this.now + GRACE_MS);
  }

  /** Does what is due at `now`. @returns the connections that the room closed with 4201 */
  turns(): ModelConnection[] {
    const dead = [...this.online.values()].filter(
      (link) => link.flight.length > 0 && link.lastAckAt + STALL_MS <= this.now,
    );
    for (const link of dead) this.removes(link, false);
    for (const [name, until] of this.grace) if (until <= this.now) this.grace.delete(name);
    return dead;
  }

  /** Loses memory; keeps sockets. */
  wakes(): void {
    this.grace.clear();
    for (const link of this.online.values()) {
      link.acked = link.snapshot.acked;
      link.sent = link.snapshot.acked;
      link.ready = link.snapshot.ready;
      link.flight = [];
      link.lastAckAt = this.now;
    }
  }

  /** After a wake, every connection is served from its acknowledged position. */
  serves(): void {
    for (const link of this.online.values()) this.#serve(link);
  }

  /** Loses memory and sockets, without a close. */
  crashes(): void {
    this.grace.clear();
    this.online.clear();
  }

  /** The peer has processed everything up to here. */
  cursorOf(link: ModelConnection, head = this.head): number {
    if (link.flight.length > 0) return link.acked;
    const waits = this.log
      .slice(link.sent, head)
      .find((entry) => entry.seq > link.birth && this.concerns(entry, link.name));
    // Pending entries without anything in flight exist only between a wake and its first turn.
    return waits === undefined && link.sent >= this.first - 1 ? head : link.sent;
  }

  #serve(link: ModelConnection): void {
    const count = link.delivered.length;
    this.#pump(link);
    const isShown = link.delivered.slice(count).some((one) => this.isShown(link, one));
    const becomesReady = !link.ready && link.sent >= link.welcomeHead;
    if (becomesReady) link.ready = true;
    if (becomesReady || (isShown && link.dialect === "chat.line")) this.#remember(link);
  }

  #pump(link: ModelConnection): void {
    if (link.sent + 1 < this.first) {
      if (!this.#launch(link, this.first - 1, link.sent)) return;
      link.delivered.push({ type: "gap", from: link.sent + 1, to: this.first - 1 });
      link.sent = this.first - 1;
    }
    for (const entry of this.log.slice(link.sent)) {
      if (entry.seq > link.birth && this.concerns(entry, link.name)) {
        if (!this.#launch(link, entry.seq, entry.seq - 1)) break;
        link.delivered.push({ type: "message", seq: entry.seq });
      }
      link.sent = entry.seq;
    }
  }

  #launch(link: ModelConnection, seq: number, below: number): boolean {
    if (link.dialect === "chat.line") return true;
    if (link.flight.length >= WINDOW) return false;
    if (link.flight.length === 0) {
      link.acked = Math.max(link.acked, below);
      link.lastAckAt = this.now;
    }
    link.flight.push(seq);
    return true;
  }

  /** A `chat.line` peer does not receive its own messages, unless it addressed itself. */
  isShown(link: ModelConnection, handed: Delivered): boolean {
    const entry = handed.type === "message" ? this.log[handed.seq - 1] : undefined;
    if (link.dialect === "chat.v1") return true;
    return (
      entry !== undefined && (entry.from !== link.name || (entry.to?.includes(link.name) ?? false))
    );
  }

  #remember(link: ModelConnection): void {
    link.snapshot = { acked: this.cursorOf(link), ready: link.ready };
  }

  #save(name: string, cursor: number): void {
    const known = this.names.get(name);
    if (known !== undefined) known.cursor = cursor;
  }
}

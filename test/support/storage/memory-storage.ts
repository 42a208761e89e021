/**
 * The storage port in memory, as plain data: what SQLite does, in the fewest lines. The contract suite checks both.
 *
 * `disk` outlives an instance: `new MemoryStorage(disk)` simulates a crash. A failed commit leaves it unchanged.
 *
 * Invariant: the values of a disk are replaced, never changed, so `{ ...disk }` is a copy of it.
 */
import { concerns, type Entry, namesOf } from "../../../src/core/entry.ts";
import { SCAN_ENTRIES } from "../../../src/core/limits.ts";
import { type PeerName, type Seq, addSeq } from "../../../src/protocol/ids.ts";
import type {
  Candidate,
  Audience,
  Directory,
  Found,
  MemberRecord,
  Log,
  Retention,
  Scan,
  Progress,
  Storage,
} from "../../../src/core/ports.ts";

/** Plain data. */
export interface Disk {
  id: string;
  segments: readonly (readonly Entry[])[];
  peers: ReadonlyMap<PeerName, MemberRecord & { head: Seq }>;
  checkpoint: { readonly head: Seq; readonly saved: ReadonlyMap<PeerName, Progress> };
}

/** Changes of the directory that wait for the next commit; undefined: the name is forgotten. */
export type Pending = ReadonlyMap<PeerName, MemberRecord | undefined>;

export const emptyDisk = (): Disk => ({
  id: "memory",
  segments: [],
  peers: new Map(),
  checkpoint: { head: 0 as Seq, saved: new Map() },
});

export class MemoryStorage implements Storage {
  readonly id: string;
  readonly log: MemoryLog;
  readonly directory: MemoryDirectory;
  readonly #disk: Disk;
  /** Number of commits. */
  commits = 0;
  /** Makes this number of commits throw, as a full disk does. */
  failures = 0;
  /** A commit is in progress: nothing of it may leave the room. */
  isCommitting = false;

  constructor(disk: Disk, pending: Pending = new Map()) {
    this.id = disk.id;
    this.#disk = disk;
    this.log = new MemoryLog(disk);
    this.directory = new MemoryDirectory(disk, this.log, pending);
  }

  erase(): void {
    if (this.failures > 0) {
      this.failures--;
      throw new Error("database or disk is full");
    }
    Object.assign(this.#disk, { ...emptyDisk(), id: `${this.#disk.id}+` });
    this.commits++;
  }

  transaction(work: () => void): void {
    const before = { ...this.#disk };
    this.isCommitting = true;
    try {
      this.directory.flush();
      work();
      if (this.failures > 0) throw new Error("database or disk is full");
      this.commits++;
    } catch (error) {
      this.failures = Math.max(0, this.failures - 1);
      Object.assign(this.#disk, before);
      throw error;
    } finally {
      this.isCommitting = false;
    }
  }
}

class MemoryLog implements Log {
  readonly #disk: Disk;

  constructor(disk: Disk) {
    this.#disk = disk;
  }

  get head(): Seq {
    return this.#disk.segments.at(-1)?.at(-1)?.seq ?? (0 as Seq);
  }

  get headAt(): number {
    return this.#disk.segments.at(-1)?.at(-1)?.at ?? 0;
  }

  get first(): Seq {
    return this.#disk.segments[0]?.[0]?.seq ?? (1 as Seq);
  }

  append(entries: readonly Entry[], changed: readonly Entry[] = []): void {
    const bySeq = new Map(changed.map((entry) => [entry.seq, entry]));
    const before =
      changed.length === 0
        ? this.#disk.segments
        : this.#disk.segments.map((segment) => segment.map((one) => bySeq.get(one.seq) ?? one));
    this.#disk.segments = entries.length === 0 ? before : [...before, [...entries]];
  }

  trim({ entries, ageMs, bytes }: Retention, now: number): void {
    const size = (segment: readonly Entry[]): number =>
      segment.reduce((sum, e) => sum + e.bytes + 2, 0);
    const isOver = (): boolean =>
      addSeq(this.head, 1) - this.first > entries ||
      this.#disk.segments.reduce((sum, segment) => sum + size(segment), 0) > bytes ||
      (this.#disk.segments[0]?.at(-1)?.at ?? now) < now - ageMs;
    while (this.#disk.segments.length > 1 && isOver()) {
      this.#disk.segments = this.#disk.segments.slice(1);
    }
  }

  get extent(): Log["extent"] {
    const entries = this.#disk.segments.flat();
    const bytes = entries.reduce((sum, entry) => sum + entry.bytes + 2, 0);
    return { bytes, oldestAt: this.#disk.segments[0]?.at(-1)?.at };
  }

  find(seq: Seq): Found | undefined {
    for (const segment of this.#disk.segments) {
      const entry = segment.find((one) => one.seq === seq);
      if (entry === undefined) continue;
      return { entry, rowBytes: segment.reduce((sum, { bytes }) => sum + bytes + 2, 0) };
    }
    return undefined;
  }

  after(seq: Seq): Scan {
    const reach = addSeq(seq, SCAN_ENTRIES);
    const last = this.#disk.segments.find((segment) => (segment.at(-1)?.seq ?? 0) >= reach);
    const end = last?.at(-1)?.seq ?? this.head;
    const entries = this.#disk.segments.flat().filter((entry) => entry.seq > seq);
    return { end, bytes: 0, entries: entries.filter((entry) => entry.seq <= end) };
  }

  before(seq: Seq): Scan {
    const reach = Math.max(this.first, Math.min(seq, addSeq(this.head, 1)) - SCAN_ENTRIES);
    const lowest = this.#disk.segments.find((segment) => (segment.at(-1)?.seq ?? 0) >= reach);
    const end = lowest?.[0]?.seq ?? (reach as Seq);
    const entries = this.#disk.segments.flat().filter((entry) => entry.seq < seq);
    return { end, bytes: 0, entries: entries.filter((entry) => entry.seq >= end).reverse() };
  }

  audienceAbove(above: Seq): Audience {
    let everyone = 0 as Seq;
    const personal = new Map<PeerName, Seq>();
    for (const entry of this.#disk.segments.flat()) {
      if (entry.seq <= above) continue;
      if (entry.to === undefined) everyone = entry.seq;
      else for (const name of namesOf(entry)) personal.set(name, entry.seq);
    }
    return { everyone, personal };
  }
}

class MemoryDirectory implements Directory {
  readonly #disk: Disk;
  readonly #log: MemoryLog;
  readonly #changed: Map<PeerName, MemberRecord | undefined>;

  constructor(disk: Disk, log: MemoryLog, pending: Pending = new Map()) {
    this.#disk = disk;
    this.#log = log;
    this.#changed = new Map(pending);
  }

  /** Changes that wait for the next commit. */
  get pending(): Pending {
    return this.#changed;
  }

  get isChanged(): boolean {
    return this.#changed.size > 0;
  }

  find(name: PeerName): MemberRecord | undefined {
    if (this.#changed.has(name)) return this.#changed.get(name);
    const row = this.#disk.peers.get(name);
    if (row === undefined) return undefined;
    const { owner, birth, cursor, seen, spent, head } = row;
    const { checkpoint } = this.#disk;
    const later = head < checkpoint.head ? checkpoint.saved.get(name) : undefined;
    if (later === undefined) return { owner, birth, cursor, seen, spent };
    return { owner, birth, ...later, seen: Math.max(seen, later.seen) };
  }

  count(): number {
    return this.#names().length;
  }

  claim(name: PeerName, known: MemberRecord): void {
    this.#changed.set(name, known);
  }

  save(name: PeerName, standing: Progress): void {
    const known = this.find(name);
    if (known !== undefined) this.#changed.set(name, { ...known, ...standing });
  }

  forget(name: PeerName): void {
    this.#changed.set(name, undefined);
  }

  page(after: string, limit: number): PeerName[] {
    const bytes = (name: string): Buffer => Buffer.from(name);
    return this.#names()
      .filter((name) => Buffer.compare(bytes(name), bytes(after)) > 0)
      .sort((a, b) => Buffer.compare(bytes(a), bytes(b)))
      .slice(0, limit);
  }

  forgettable(awayBefore: number): Candidate[] {
    // Like a database query, it sees committed data only.
    const committed = new MemoryDirectory(this.#disk, this.#log);
    const entries = this.#disk.segments.flat();
    return [...this.#disk.peers.keys()]
      .flatMap((name) => {
        const known = committed.find(name);
        if (known === undefined) return [];
        const have = Math.max(known.cursor, known.birth);
        const waits = entries.some((entry) => entry.seq > have && concerns(entry, name));
        if (waits && known.seen >= awayBefore) return [];
        const rank = waits ? 2 : have < this.#log.first - 1 ? 0 : 1;
        return [{ name, rank, seen: known.seen }];
      })
      .sort((a, b) => a.rank - b.rank || a.seen - b.seen)
      .map(({ name, seen }) => ({ name, seen }));
  }

  waiting(online: { has(name: PeerName): boolean }): number {
    const committed = new MemoryDirectory(this.#disk, this.#log);
    const entries = this.#disk.segments.flat();
    const waits = (name: PeerName): boolean => {
      const known = committed.find(name);
      const have = Math.max(known?.cursor ?? 0, known?.birth ?? 0);
      return entries.some((entry) => entry.seq > have && concerns(entry, name));
    };
    return [...this.#disk.peers.keys()].filter((name) => !online.has(name) && waits(name)).length;
  }

  checkpoint(online: ReadonlyMap<PeerName, Omit<Progress, "seen">>): void {
    const { head, headAt: at } = this.#log;
    const saved = new Map(this.#disk.checkpoint.saved);
    for (const [name, standing] of online) saved.set(name, { ...standing, seen: at });
    this.#disk.checkpoint = { head, saved };
  }

  flush(): void {
    const { checkpoint } = this.#disk;
    const saved = [...checkpoint.saved].filter(([name]) => !this.#changed.has(name));
    this.#disk.checkpoint = { ...checkpoint, saved: new Map(saved) };
    const peers = new Map(this.#disk.peers);
    for (const [name, known] of this.#changed) {
      if (known === undefined) peers.delete(name);
      else peers.set(name, { ...known, head: this.#log.head });
    }
    this.#disk.peers = peers;
    this.#changed.clear();
  }

  #names(): PeerName[] {
    const names = new Set([...this.#disk.peers.keys(), ...this.#changed.keys()]);
    return [...names].filter((name) => this.find(name) !== undefined);
  }
}

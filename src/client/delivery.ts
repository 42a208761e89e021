/**
 * Two positions: what this client has *heard* (received), and what its consumers are *done* with.
 *
 * Invariants:
 * - *Heard* is what the client acknowledges (`ack`), so that a slow consumer never delays a confirmation.
 * - *Done* is what the storage keeps, so that entries which no consumer has finished with are delivered again to the next
 *   life. It is the position of the slowest consumer; an entry listener has finished when it returns, not if it throws.
 * - No entry is skipped for a consumer: entries that did not fit into its backlog are requested again.
 */
import { ConsumerStalledError, type StorageError } from "./errors.ts";
import type { Entry } from "./events.ts";
import { Backlog, EntryIterator } from "./entry-iterator.ts";

/** How long entries wait for the first consumer. After that they count as done: the program seems to have none. */
export const FIRST_CONSUMER_MS = 60_000;
/** A consumer that works on one entry for longer than this is reported. */
export const STALLED_MS = 60_000;

interface Owner {
  /** Whether there is a listener for entries. */
  readonly isListening: () => boolean;
  /** *Done* may have moved, or a consumer waits for entries that have to be sent again. */
  readonly moved: () => void;
  readonly stalled: (error: ConsumerStalledError) => void;
}

/** The monotonic clock, in ms. */
const now = (): number => performance.now();

export class Delivery {
  readonly #owner: Owner;
  readonly #iterators = new Set<EntryIterator>();
  /** Backlogs of consumers that have left, while the entry of their last body is not done. */
  readonly #departing = new Set<Backlog>();
  /** Entries that wait for the first consumer, or, after the last one has left its loop, for the next. */
  #unclaimed: Backlog | undefined = new Backlog(0);
  #hadConsumer = false;
  #unclaimedSince = now();
  /** The position up to which everything was received; undefined before the first `welcome`. */
  #heard: number | undefined;
  /** Positions belong to one history of the room; a generation is one of them. */
  #generation = 0;
  #origin = 0;
  /** The first entry whose listener threw. */
  #failed: number | undefined;
  #watch: ReturnType<typeof setTimeout> | undefined;
  /** The position up to which this connection has brought everything: its acks go up to here. */
  received = 0;

  constructor(owner: Owner) {
    this.#owner = owner;
  }

  /** Begins a life at the position that the storage kept. */
  begin(cursor: number | undefined): void {
    this.#heard = cursor;
    this.#origin = cursor ?? 0;
    for (const backlog of this.#backlogs()) backlog.held = this.#origin;
  }

  /** A connection begins at the position that it requested. */
  resume(since: number): void {
    this.received = since;
    for (const backlog of this.#backlogs()) backlog.follows = since <= backlog.held;
  }

  /** The room begins at another position than requested, or has another history: earlier positions are void. */
  restart(since: number): void {
    this.#heard = since;
    this.received = since;
    this.#origin = since;
    this.#generation++;
    this.#failed = undefined;
    for (const backlog of this.#backlogs()) {
      backlog.held = since;
      backlog.follows = true;
    }
  }

  /** Returns whether this position is new. Otherwise it comes again for a consumer whose backlog was full. */
  isFresh(seq: number): boolean {
    return seq > (this.#heard ?? 0);
  }

  /**
   * Delivers an entry.
   * @param isHandled whether every listener has returned
   */
  entry(entry: Entry, isHandled = true): void {
    if (!isHandled) this.#failed ??= entry.seq;
    for (const backlog of this.#backlogs()) backlog.offer(entry, this.#generation);
    this.#reached(entry.seq);
    for (const iterator of this.#iterators) iterator.wake();
  }

  /** A gap or a `ready` came: no more entries up to `seq` will come. */
  reach(seq: number): void {
    for (const backlog of this.#backlogs()) backlog.reach(seq);
    this.#reached(seq);
  }

  /** Returns the first position that a consumer lacks because of a gap up to `to`; undefined if none lacks any. */
  missing(from: number, to: number): number | undefined {
    let least = this.#heard ?? 0;
    for (const backlog of this.#backlogs()) {
      if (backlog.follows) least = Math.min(least, backlog.held);
    }
    return least >= to ? undefined : Math.max(from, least + 1);
  }

  /** Where the next connection begins. */
  get resumeAt(): number | undefined {
    let at = this.#heard;
    for (const backlog of this.#backlogs()) {
      if (at !== undefined && backlog.isDry) at = Math.min(at, backlog.held);
    }
    return at;
  }

  /** Whether a consumer waits for entries that have to be sent again. */
  get isDry(): boolean {
    return [...this.#iterators].some((iterator) => iterator.isDry);
  }

  /** The position up to which every consumer has finished. */
  get done(): number | undefined {
    let done = this.#heard;
    if (done === undefined) return undefined;
    for (const backlog of this.#backlogs()) done = Math.min(done, this.#doneOf(backlog));
    return this.#failed === undefined ? done : Math.min(done, this.#failed - 1);
  }

  /** Adds a consumer. The first one, and one that follows the last, gets the entries that waited. */
  iterate(): EntryIterator {
    const backlog = this.#unclaimed ?? new Backlog(this.#heard ?? 0);
    this.#claim();
    const iterator = new EntryIterator(backlog, {
      requested: this.#owner.moved,
      handed: () => this.#checkStalled(),
      left: () => this.#left(iterator),
      now,
    });
    this.#iterators.add(iterator);
    return iterator;
  }

  /** Yields the entries that waited for the first listener, if there is one. */
  *waiting(): Generator<Entry> {
    const backlog = this.#unclaimed;
    if (backlog === undefined || !this.#owner.isListening()) return;
    for (;;) {
      const entry = backlog.take(now());
      if (entry === undefined) break;
      yield entry;
    }
    this.#claim();
  }

  /** The listener threw for an entry that had waited for it. */
  failed(seq: number): void {
    this.#failed ??= seq;
  }

  /**
   * Ends all consumers.
   * @param atOnce  the application closed the client: no more entries are handed out
   * @param failure the storage failed: the loops throw this
   */
  end(atOnce: boolean, failure?: StorageError): void {
    for (const iterator of this.#iterators) iterator.end(atOnce, failure);
    if (!atOnce) return;
    for (const backlog of this.#backlogs()) backlog.left();
    if (!this.#hadConsumer) this.#unclaimed = undefined;
    if (this.#watch !== undefined) clearTimeout(this.#watch);
  }

  *#backlogs(): Generator<Backlog> {
    if (this.#unclaimed !== undefined) {
      const isLate = !this.#hadConsumer && now() - this.#unclaimedSince >= FIRST_CONSUMER_MS;
      if (isLate) this.#unclaimed = undefined;
      else yield this.#unclaimed;
    }
    for (const { backlog } of this.#iterators) yield backlog;
    yield* this.#departing;
  }

  #reached(seq: number): void {
    this.#heard = Math.max(this.#heard ?? 0, seq);
    this.received = Math.max(this.received, seq);
  }

  #doneOf(backlog: Backlog): number {
    const { first, held } = backlog;
    if (first === undefined) return held;
    return first.generation === this.#generation ? first.seq - 1 : this.#origin;
  }

  #claim(): void {
    this.#unclaimed = undefined;
    this.#hadConsumer = true;
  }

  /**
   * A consumer has left its loop. `break` and `throw` look the same, so the entry of that body counts as done only when
   * the program has gone on: an error that ends the process leaves it for the next life.
   */
  #left(iterator: EntryIterator): void {
    const { backlog } = iterator;
    this.#iterators.delete(iterator);
    const isLast = this.#iterators.size === 0 && !this.#owner.isListening();
    if (isLast) {
      this.#unclaimed = backlog;
      this.#unclaimedSince = now();
      backlog.isReported = false;
      this.#checkStalled();
    }
    if (!backlog.leave()) return;
    if (!isLast) {
      backlog.abandon();
      this.#departing.add(backlog);
    }
    setTimeout(() => {
      backlog.left();
      this.#departing.delete(backlog);
      this.#owner.moved();
    }, 0);
  }

  /** Checks later whether a consumer has stalled. */
  #checkStalled(ms = STALLED_MS): void {
    if (this.#watch !== undefined) return;
    this.#watch = setTimeout(() => {
      this.#watch = undefined;
      const next = this.#reportStalled();
      if (next < Infinity) this.#checkStalled(Math.max(1, next));
    }, ms);
    // Not worth keeping a process alive for. A browser's timer is a number.
    (this.#watch as { unref?: () => void }).unref?.();
  }

  /** @returns ms until the next consumer may count as stalled */
  #reportStalled(): number {
    let next = Infinity;
    const check = (backlog: Backlog, since: number, what: string): void => {
      if (backlog.isReported) return;
      const left = since + STALLED_MS - now();
      if (left > 0) {
        next = Math.min(next, left);
        return;
      }
      backlog.isReported = true;
      const why = `${what} for more than ${STALLED_MS / 1_000} s: until then, the cursor stays before it, and the next life is shown it again`;
      this.#owner.stalled(new ConsumerStalledError(why));
    };
    for (const { backlog } of this.#iterators) {
      const { working } = backlog;
      const what = `a "for await" has not asked for the entry behind ${working}`;
      if (working !== undefined) check(backlog, backlog.handedAt, what);
    }
    const left = this.#hadConsumer ? this.#unclaimed : undefined;
    const what = 'nobody has read the next entry since the last "for await" was left,';
    if (left !== undefined && left.size > 0) check(left, this.#unclaimedSince, what);
    return next;
  }
}

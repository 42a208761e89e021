/**
 * Two positions: what this client has *heard*, and what its consumers are *done* with.
 *
 * Invariants:
 * - *Heard* is what the room is told (`ack`), so that a slow consumer never holds up a confirmation.
 * - *Done* is what the storage keeps, so that the next life is shown again what no consumer has finished with. It is the
 *   place of the slowest consumer; an entry listener has finished when it returns, and has not if it throws.
 * - Nothing that a consumer waits for is passed over: what did not fit into its backlog is asked for again.
 */
import { ConsumerStalledError, type StorageError } from "./errors.ts";
import type { Entry } from "./events.ts";
import { Backlog, EntryIterator } from "./entry-iterator.ts";

/** For how long entries wait for the first consumer. After that, nobody seems to want them: they count as done. */
export const FIRST_CONSUMER_MS = 60_000;
/** A consumer that works on one entry for longer than this is reported. */
export const STALLED_MS = 60_000;

interface Owner {
  /** Is there a listener for entries? */
  readonly isListening: () => boolean;
  /** *Done* may have moved, or a consumer waits for what has to be sent again. */
  readonly moved: () => void;
  readonly stalled: (error: ConsumerStalledError) => void;
}

/** The monotonic clock, in ms. */
const now = (): number => performance.now();

export class Delivery {
  readonly #owner: Owner;
  readonly #iterators = new Set<EntryIterator>();
  /** Where a consumer has left, while the entry of its last body is not done. */
  readonly #departing = new Set<Backlog>();
  /** What waits for the first consumer, or, where the last one has left its loop, for the next. */
  #unclaimed: Backlog | undefined = new Backlog(0);
  #hadConsumer = false;
  #unclaimedSince = now();
  /** The position up to which everything was heard; undefined before the room told where it begins. */
  #heard: number | undefined;
  /** Positions belong to one history of the room; a generation is one of them. */
  #generation = 0;
  #origin = 0;
  /** The first entry whose listener threw. */
  #failed: number | undefined;
  #watch: ReturnType<typeof setTimeout> | undefined;
  /** The position up to which this link has brought everything: what is acknowledged on it. */
  received = 0;

  constructor(owner: Owner) {
    this.#owner = owner;
  }

  /** A life begins, at the position that the storage kept. */
  begin(cursor: number | undefined): void {
    this.#heard = cursor;
    this.#origin = cursor ?? 0;
    for (const backlog of this.#backlogs()) backlog.held = this.#origin;
  }

  /** A link begins where it was asked to. */
  resume(since: number): void {
    this.received = since;
    for (const backlog of this.#backlogs()) backlog.follows = since <= backlog.held;
  }

  /** The room uses another position than it was asked for, or has another history: what was done before is void. */
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

  /** Was this position not heard before? If it was, it comes again for a consumer that had no place for it. */
  isFresh(seq: number): boolean {
    return seq > (this.#heard ?? 0);
  }

  /**
   * An entry came.
   * @param isHandled every listener returned
   */
  entry(entry: Entry, isHandled = true): void {
    if (!isHandled) this.#failed ??= entry.seq;
    for (const backlog of this.#backlogs()) backlog.offer(entry, this.#generation);
    this.#reached(entry.seq);
    for (const iterator of this.#iterators) iterator.wake();
  }

  /** A gap or a `ready` came: nothing up to `seq` is still to come. */
  reach(seq: number): void {
    for (const backlog of this.#backlogs()) backlog.reach(seq);
    this.#reached(seq);
  }

  /** The position from which on a gap up to `to` took something away; undefined if nobody lacks any of it. */
  missing(from: number, to: number): number | undefined {
    let least = this.#heard ?? 0;
    for (const backlog of this.#backlogs()) {
      if (backlog.follows) least = Math.min(least, backlog.held);
    }
    return least >= to ? undefined : Math.max(from, least + 1);
  }

  /** Where the next link begins. */
  get resumeAt(): number | undefined {
    let at = this.#heard;
    for (const backlog of this.#backlogs()) {
      if (at !== undefined && backlog.isDry) at = Math.min(at, backlog.held);
    }
    return at;
  }

  /** Does a consumer wait for what has to be sent again? */
  get isDry(): boolean {
    return [...this.#iterators].some((feed) => feed.isDry);
  }

  /** The position up to which every consumer has finished. */
  get done(): number | undefined {
    let done = this.#heard;
    if (done === undefined) return undefined;
    for (const backlog of this.#backlogs()) done = Math.min(done, this.#doneOf(backlog));
    return this.#failed === undefined ? done : Math.min(done, this.#failed - 1);
  }

  /** A consumer comes. The first one, and one that follows the last, gets what has waited for it. */
  iterate(): EntryIterator {
    const backlog = this.#unclaimed ?? new Backlog(this.#heard ?? 0);
    this.#claim();
    const feed = new EntryIterator(backlog, {
      asked: this.#owner.moved,
      handed: () => this.#checkStalled(),
      left: () => this.#left(feed),
      now,
    });
    this.#iterators.add(feed);
    return feed;
  }

  /** What has waited for the first listener, if that is there. */
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

  /** The listener threw at an entry that had waited for it. */
  failed(seq: number): void {
    this.#failed ??= seq;
  }

  /**
   * The client is closed.
   * @param atOnce  by its user: no entry is handed out any more
   * @param failure by its storage: its loops throw this
   */
  end(atOnce: boolean, failure?: StorageError): void {
    for (const feed of this.#iterators) feed.end(atOnce, failure);
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
  #left(feed: EntryIterator): void {
    const { backlog } = feed;
    this.#iterators.delete(feed);
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

  /** Looks, when it is time, whether a consumer still moves. */
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

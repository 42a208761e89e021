/**
 * One way of one link: bytes from one socket to another, in order, as fast as the valve lets them.
 *
 * Invariants:
 * - Bytes keep their order, and the end of the source comes after all of them.
 * - A valve that broke carries nothing any more.
 */
import type { Socket } from "node:net";

/** What may wait here; beyond it the source is not read, so that its sender's buffers fill. */
const WAITING_BYTES = 256 * 1024;

/** How long the last bytes before a break may take to arrive. */
const ARRIVING_MS = 2;

type Part = { readonly bytes: Buffer } | { readonly end: true };

export class ThrottledPipe {
  readonly #from: Socket;
  readonly #to: Socket;
  readonly #waiting: { readonly part: Part; readonly due: number }[] = [];
  #bytes = 0;
  #isShut = false;
  #isBroken = false;
  #lagMs = 0;
  #left = Infinity;
  #broke: () => void = () => {};
  #timer: NodeJS.Timeout | undefined;
  readonly #works: (() => void)[] = [];

  constructor(from: Socket, to: Socket) {
    this.#from = from;
    this.#to = to;
    to.on("drain", () => this.#resume());
  }

  /** What is to be carried. */
  take(bytes: Buffer): void {
    this.#put({ bytes });
    if (this.#bytes > WAITING_BYTES) this.#from.pause();
  }

  /** The source says no more. */
  ends(): void {
    this.#put({ end: true });
  }

  shuts(): void {
    this.#isShut = true;
  }

  opens(): void {
    this.#isShut = false;
    this.#carry();
  }

  /** @param ms how much longer each chunk takes from now on */
  lags(ms: number): void {
    this.#lagMs = ms;
  }

  /** Calls `broke` once `bytes` more bytes have passed. */
  breaksAfter(bytes: number, broke: () => void): void {
    this.#left = bytes;
    this.#broke = broke;
    if (bytes > 0) return;
    this.breaks();
    broke();
  }

  /** Calls `work` as soon as all that waits has passed: now, if nothing does. */
  whenEmpty(work: () => void): void {
    this.#works.push(work);
    this.#carry();
  }

  /** Nothing passes any more, for good. */
  breaks(): void {
    this.#isBroken = true;
    this.#waiting.length = 0;
    clearTimeout(this.#timer);
  }

  #put(part: Part): void {
    if (this.#isBroken) return;
    // Behind what came before, also if the lag was longer then.
    const due = Math.max(this.#waiting.at(-1)?.due ?? 0, Date.now() + this.#lagMs);
    this.#waiting.push({ part, due });
    if ("bytes" in part) this.#bytes += part.bytes.length;
    this.#carry();
  }

  #carry(): void {
    const now = Date.now();
    for (let next = this.#waiting[0]; next !== undefined; next = this.#waiting[0]) {
      if (this.#isShut || this.#isBroken) return;
      if (next.due > now) {
        clearTimeout(this.#timer);
        this.#timer = setTimeout(() => this.#carry(), next.due - now);
        return;
      }
      this.#waiting.shift();
      this.#pass(next.part);
    }
    if (this.#isShut || this.#isBroken) return;
    for (const work of this.#works.splice(0)) work();
    this.#resume();
  }

  #pass(part: Part): void {
    if ("end" in part) {
      this.#to.end();
      return;
    }
    const { bytes } = part;
    this.#bytes -= bytes.length;
    const some = bytes.subarray(0, this.#left);
    this.#left -= some.length;
    if (this.#left > 0) {
      if (!this.#to.write(some)) this.#from.pause();
      return;
    }
    this.breaks();
    // What has passed is to be seen: a reset right behind it would take it back.
    this.#to.write(some, () => setTimeout(() => this.#broke(), ARRIVING_MS));
  }

  #resume(): void {
    if (this.#bytes <= WAITING_BYTES && !this.#to.writableNeedDrain) this.#from.resume();
  }
}

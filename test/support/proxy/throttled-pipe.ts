/**
 * One direction of a connection: passes bytes from one socket to another, in order, as fast as its settings allow.
 *
 * Invariants:
 * - Bytes keep their order, and the source's end comes after all of them.
 * - A destroyed pipe carries nothing.
 */
import type { Socket } from "node:net";

/** Above this size the queue stops reading the source, so that the sender's buffers fill. */
const QUEUE_BYTES = 256 * 1024;

/** Time for the last bytes before a break to arrive. */
const DRAIN_MS = 2;

type Part = { readonly bytes: Buffer } | { readonly end: true };

export class ThrottledPipe {
  readonly #from: Socket;
  readonly #to: Socket;
  readonly #queue: { readonly part: Part; readonly due: number }[] = [];
  #queuedBytes = 0;
  #isBlocked = false;
  #isBroken = false;
  #latencyMs = 0;
  #bytesLeft = Infinity;
  #onBroken: () => void = () => {};
  #timer: NodeJS.Timeout | undefined;
  readonly #onEmpty: (() => void)[] = [];

  constructor(from: Socket, to: Socket) {
    this.#from = from;
    this.#to = to;
    to.on("drain", () => this.#resume());
  }

  /** Queues bytes to forward. */
  write(bytes: Buffer): void {
    this.#enqueue({ bytes });
    if (this.#queuedBytes > QUEUE_BYTES) this.#from.pause();
  }

  /** The source has ended. */
  end(): void {
    this.#enqueue({ end: true });
  }

  block(): void {
    this.#isBlocked = true;
  }

  unblock(): void {
    this.#isBlocked = false;
    this.#flush();
  }

  /** @param ms additional delay of each chunk from now on */
  setLatency(ms: number): void {
    this.#latencyMs = ms;
  }

  /** Calls `broke` once `bytes` more bytes have passed. */
  breakAfter(bytes: number, broke: () => void): void {
    this.#bytesLeft = bytes;
    this.#onBroken = broke;
    if (bytes > 0) return;
    this.destroy();
    broke();
  }

  /** Calls `work` once the queue is empty; at once if it is. */
  whenEmpty(work: () => void): void {
    this.#onEmpty.push(work);
    this.#flush();
  }

  /** Stops the pipe for good. */
  destroy(): void {
    this.#isBroken = true;
    this.#queue.length = 0;
    clearTimeout(this.#timer);
  }

  #enqueue(part: Part): void {
    if (this.#isBroken) return;
    // Never before earlier bytes, even if the delay was longer then.
    const due = Math.max(this.#queue.at(-1)?.due ?? 0, Date.now() + this.#latencyMs);
    this.#queue.push({ part, due });
    if ("bytes" in part) this.#queuedBytes += part.bytes.length;
    this.#flush();
  }

  #flush(): void {
    const now = Date.now();
    for (let next = this.#queue[0]; next !== undefined; next = this.#queue[0]) {
      if (this.#isBlocked || this.#isBroken) return;
      if (next.due > now) {
        clearTimeout(this.#timer);
        this.#timer = setTimeout(() => this.#flush(), next.due - now);
        return;
      }
      this.#queue.shift();
      this.#forward(next.part);
    }
    if (this.#isBlocked || this.#isBroken) return;
    for (const work of this.#onEmpty.splice(0)) work();
    this.#resume();
  }

  #forward(part: Part): void {
    if ("end" in part) {
      this.#to.end();
      return;
    }
    const { bytes } = part;
    this.#queuedBytes -= bytes.length;
    const some = bytes.subarray(0, this.#bytesLeft);
    this.#bytesLeft -= some.length;
    if (this.#bytesLeft > 0) {
      if (!this.#to.write(some)) this.#from.pause();
      return;
    }
    this.destroy();
    // Let the bytes arrive first: an immediate reset would discard them.
    this.#to.write(some, () => setTimeout(() => this.#onBroken(), DRAIN_MS));
  }

  #resume(): void {
    if (this.#queuedBytes <= QUEUE_BYTES && !this.#to.writableNeedDrain) this.#from.resume();
  }
}

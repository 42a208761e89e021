/** Hands what the person writes, changes, erases and marks to the client. */
import { type ChatClient, type Entry, RefusedError } from "../../client/index.ts";

export interface Written {
  readonly text: string;
  /** Names; empty: everyone. */
  readonly to: readonly string[];
  /** The message that it replies to. */
  readonly ref?: number;
}

export class Writer {
  readonly #client: ChatClient;
  readonly #onWrite: () => void;

  /** @param onWrite called before each */
  constructor(client: ChatClient, onWrite: () => void) {
    this.#client = client;
    this.#onWrite = onWrite;
  }

  send({ text, to, ref }: Written): Promise<void> {
    const options = { ...(to.length > 0 && { to }), ...(ref !== undefined && { ref }) };
    return this.#queue(() => this.#client.send(text, options));
  }

  edit(seq: number, text: string): Promise<void> {
    return this.#queue(() => this.#client.edit(seq, text));
  }

  erase(seq: number): Promise<void> {
    return this.#queue(() => this.#client.erase(seq));
  }

  react(entry: Entry, mark: string, isOn: boolean): Promise<void> {
    return this.#queue(() => this.#client.react(entry, mark, isOn));
  }

  /** @throws OutboxFullError, ClosedError, by rejecting: then it is not in the outbox */
  async #queue(write: () => Promise<unknown>): Promise<void> {
    this.#onWrite();
    const before = this.#client.outbox.length;
    const written = write();
    // Events decide about what is in the outbox, and what the room rejects is among the failed items.
    if (this.#client.outbox.length > before) return;
    try {
      await written;
    } catch (error) {
      if (!(error instanceof RefusedError)) throw error;
    }
  }
}

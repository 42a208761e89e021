/**
 * Waiting without polling: whoever changes something rings, whoever waits looks again.
 *
 * Invariant: the first failure wins. It ends every wait, of now and of later.
 */

/** The demo cannot go on; the message is a sentence for the user. */
export class DemoError extends Error {
  override name = "DemoError";
}

export class Notifier {
  readonly #waiting = new Set<() => void>();
  #failure: DemoError | undefined;

  /** Something has changed. */
  notify(): void {
    for (const look of this.#waiting) look();
  }

  fail(sentence: string): void {
    this.#failure ??= new DemoError(sentence);
    this.notify();
  }

  /** @throws DemoError if something failed */
  check(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }

  /**
   * Waits until `isSo`, which is asked now and whenever the bell rings.
   * @param otherwise what to say if it is not so after `ms`
   * @throws DemoError at the deadline, or if something failed
   */
  async until(isSo: () => boolean, ms: number, otherwise: () => string): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const look = (): void => {
      if (this.#failure !== undefined || isSo()) resolve();
    };
    const timer = setTimeout(() => {
      this.fail(`gave up after ${String(ms / 1_000)} s: ${otherwise()}`);
    }, ms);
    this.#waiting.add(look);
    look();
    await promise;
    clearTimeout(timer);
    this.#waiting.delete(look);
    this.check();
  }
}

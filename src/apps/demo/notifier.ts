/**
 * Waits for conditions without polling: a change notifies, and every wait checks its condition again.
 *
 * Invariant: the first failure wins. It ends every current and later wait.
 */

/** Thrown when the demo cannot continue; the message is a sentence for the user. */
export class DemoError extends Error {
  override name = "DemoError";
}

export class Notifier {
  readonly #checks = new Set<() => void>();
  #failure: DemoError | undefined;

  /** Makes every wait check its condition. */
  notify(): void {
    for (const check of this.#checks) check();
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
   * Waits until `condition` holds. It is checked now and with every notification.
   * @param describe the message of the failure after `ms`
   * @throws DemoError at the deadline, or if something failed
   */
  async until(condition: () => boolean, ms: number, describe: () => string): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const check = (): void => {
      if (this.#failure !== undefined || condition()) resolve();
    };
    const timer = setTimeout(() => {
      this.fail(`timed out after ${String(ms / 1_000)} s: ${describe()}`);
    }, ms);
    this.#checks.add(check);
    check();
    await promise;
    clearTimeout(timer);
    this.#checks.delete(check);
    this.check();
  }
}

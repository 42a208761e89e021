/**
 * Waits for conditions by event and with a deadline; never by sleeping.
 *
 * Invariant: a condition is checked at once and after every `notify`; no timer polls it.
 */

/** The default deadline, in ms. */
const DEADLINE_MS = 10_000;

export class Notifier {
  readonly #asking = new Set<() => void>();

  /** Checks every pending condition again. */
  notify(): void {
    for (const ask of this.#asking) ask();
  }

  /**
   * @param look  returns what is waited for; undefined and false mean not yet; a throw ends the wait
   * @param what  returns, when the deadline has passed, what was expected and what came instead
   */
  async until<T>(
    look: () => T | undefined | false,
    what: () => string,
    deadlineMs = DEADLINE_MS,
  ): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    const ask = (): void => {
      try {
        const seen = look();
        if (seen !== undefined && seen !== false) resolve(seen);
      } catch (error) {
        reject(error instanceof Error ? error : new Error(String(error)));
      }
    };
    const late = (): void =>
      reject(new Error(`nothing after ${deadlineMs} ms: expected ${what()}`));
    const timer = setTimeout(late, deadlineMs);
    this.#asking.add(ask);
    ask();
    try {
      return await promise;
    } finally {
      clearTimeout(timer);
      this.#asking.delete(ask);
    }
  }
}

/**
 * A generator of load in a process of its own, so that what it costs does not delay what is measured elsewhere.
 *
 * Invariant: one order at a time, and one answer to each.
 */
import { type ChildProcess, fork } from "node:child_process";

export class Child<Order, Answer> {
  readonly #process: ChildProcess;

  /** @param file a module that calls `obeys` */
  constructor(file: URL) {
    this.#process = fork(file);
  }

  /** @throws what went wrong in the child */
  does(order: Order): Promise<Answer> {
    const { promise, resolve, reject } = Promise.withResolvers<Answer>();
    const died = (): void => reject(new Error("the generator ended by itself"));
    this.#process.once("exit", died);
    this.#process.once("message", (message) => {
      this.#process.off("exit", died);
      const { answer, failure } = message as { answer: Answer; failure?: string };
      if (failure === undefined) resolve(answer);
      else reject(new Error(failure));
    });
    this.#process.send(order as object);
    return promise;
  }

  ends(): void {
    this.#process.kill();
  }
}

/** The other end: does what it is told, and says what came of it. */
export function obeys(does: (order: never) => Promise<unknown>): void {
  process.on("message", (order) => {
    does(order as never).then(
      (answer) => process.send?.({ answer }),
      (error: unknown) => process.send?.({ answer: undefined, failure: String(error) }),
    );
  });
  process.on("disconnect", () => process.exit());
}

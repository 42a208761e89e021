/**
 * Runs a load generator in a process of its own, so that its work does not delay other measurements.
 *
 * Invariant: one task at a time, and one result for each.
 */
import { type ChildProcess, fork } from "node:child_process";

export class Child<Task, Result> {
  readonly #process: ChildProcess;

  /** @param file a module that calls `serveTasks` */
  constructor(file: URL) {
    this.#process = fork(file);
  }

  /** @throws the error of the child */
  run(task: Task): Promise<Result> {
    const { promise, resolve, reject } = Promise.withResolvers<Result>();
    const died = (): void => reject(new Error("the generator exited before its result"));
    this.#process.once("exit", died);
    this.#process.once("message", (message) => {
      this.#process.off("exit", died);
      const { answer, failure } = message as { answer: Result; failure?: string };
      if (failure === undefined) resolve(answer);
      else reject(new Error(failure));
    });
    this.#process.send(task as object);
    return promise;
  }

  stop(): void {
    this.#process.kill();
  }
}

/** The child's side: runs each task that it receives, and sends back the result. */
export function serveTasks(run: (task: never) => Promise<unknown>): void {
  process.on("message", (task) => {
    run(task as never).then(
      (answer) => process.send?.({ answer }),
      (error: unknown) => process.send?.({ answer: undefined, failure: String(error) }),
    );
  });
  process.on("disconnect", () => process.exit());
}

/**
 * Non-interactive mode: sends the messages of standard input, and ends when the input has ended and every message is
 * confirmed or rejected.
 *
 * Invariants:
 * - Standard output has only what comes from the room; errors go to standard error.
 * - A message is on disk before it is sent: however the program ends, no message is lost and none is sent twice.
 */
import type { Readable, Writable } from "node:stream";
import type { ChatClient, ClientState } from "../../client/index.ts";
import { type ConnectionProblem, ConnectionProblems, whyClosed } from "./connection-problem.ts";
import { sanitizeLine } from "../../protocol/sanitize.ts";
import { ChatSession } from "./session.ts";
import { EXIT, type Exit, exitOfClose, exitOfError, worse } from "./exit.ts";
import { readInput } from "./input.ts";
import { toJson } from "./json.ts";
import { readJsonLine } from "./json-line.ts";
import { linesOf } from "./lines.ts";
import { render } from "./render.ts";
import { isError, type OutputItem } from "./output.ts";
import { type Change, isAboutLast, isChange } from "./resolve.ts";
import { CLOSE } from "../../protocol/close-codes.ts";

/** How many messages may be pending before it stops reading input. */
const PENDING_MAX = 256;

interface Streams {
  readonly input: Readable;
  readonly output: Writable;
  readonly errors: Writable;
  readonly colour: boolean;
  readonly numbers: boolean;
  readonly json: boolean;
  readonly timeoutMs: number;
  readonly url: URL;
  readonly hasKey: boolean;
  /** Resolved when a signal or a closed stream ends the program. */
  readonly terminated: Promise<Exit>;
}

/** Resolves after the client is closed. @returns the exit code */
export async function runNonInteractive(client: ChatClient, streams: Streams): Promise<Exit> {
  const run = new Run(client, streams);
  const exit = await run.finished();
  await client.close();
  run.reportUnconfirmed();
  return exit;
}

class Run {
  readonly #client: ChatClient;
  readonly #streams: Streams;
  readonly #session: ChatSession;
  readonly #finished = Promise.withResolvers<Exit>();
  /** Resolved, and replaced, with each progress. */
  #nextProgress = Promise.withResolvers<void>();
  #pending = 0;
  #worst: Exit = EXIT.success;
  /** Resolved when the reader of standard output has read everything. */
  #flushed: Promise<void> = Promise.resolve();
  #lastError = "";
  #lastOfflineReason = "";
  /** Why handshakes fail, which is more specific than the reason of the close. */
  #problem = "";
  readonly #problems: ConnectionProblems;
  #isFinished = false;
  #deadline: NodeJS.Timeout | undefined;

  constructor(client: ChatClient, streams: Streams) {
    this.#client = client;
    this.#streams = streams;
    this.#session = new ChatSession(client, (item) => this.#show(item), {
      flushed: () => this.#flushed,
      onRead: () => this.#onProgress(),
    });
    this.#problems = new ConnectionProblems(streams.url, client.room, (problem) =>
      this.#onProblem(problem),
    );
    this.#startTimeout();
    // A storage error closes the client before the listeners are added.
    this.#onState(client.state);
  }

  async finished(): Promise<Exit> {
    this.#read().then(
      () => this.#finished.resolve(this.#worst),
      (error: unknown) => this.#finished.reject(error as Error),
    );
    const ended = this.#finished.promise.then((exit) => worse(this.#worst, exit));
    try {
      return await Promise.race([ended, this.#streams.terminated]);
    } finally {
      this.#isFinished = true;
      clearTimeout(this.#deadline);
    }
  }

  reportUnconfirmed(): void {
    const { waiting } = this.#client;
    if (waiting === 0) return;
    const what = waiting === 1 ? "1 message is" : `${waiting} messages are`;
    const it = waiting === 1 ? "it" : "them";
    this.#printError([
      `${what} not confirmed; kept and sent first next time: do not send ${it} again`,
    ]);
  }

  async #read(): Promise<void> {
    let number = 0;
    const { input, json } = this.#streams;
    for await (const line of linesOf(input)) {
      number++;
      const command = json && /^\s*[{[]/.test(line) ? readJsonLine(line) : readInput(line);
      if (command.type === "quit") break;
      if (command.type === "send") this.#track(this.#session.send(command));
      if (command.type === "who" || command.type === "history") {
        // The answer must include the messages that precede the question.
        await this.#until(() => this.#pending === 0);
        this.#track(this.#session.query(command));
      }
      if (isChange(command)) await this.#change(command, `line ${number}: `);
      if (command.type === "help") this.#show({ type: "help" });
      if (command.type === "invalid" || command.type === "plain") {
        this.#worst = worse(this.#worst, EXIT.refused);
        this.#show({ type: "error", message: `line ${number}: ${command.why}` });
      }
      await this.#until(() => this.#pending < PENDING_MAX);
    }
    // Also waits for the outbox of an earlier run, and shows the messages that waited for this name.
    await this.#until(
      () => this.#isDecided && this.#client.state.type === "live" && this.#session.isRead,
    );
  }

  async #change(command: Change, where: string): Promise<void> {
    // Without a number, it is about the last of the messages that precede it.
    if (isAboutLast(command)) await this.#until(() => this.#isDecided);
    const isResolved = this.#session.changes.isResolved(command);
    if (!isResolved) await this.#until(() => this.#client.state.type === "live");
    const changed = this.#session.changes.execute(command, where);
    this.#track(changed);
    // The messages after it must not overtake it while a message is looked up.
    if (!isResolved) await changed.catch(() => {});
  }

  /** Is every message decided, those of earlier runs too? */
  get #isDecided(): boolean {
    return this.#pending === 0 && this.#client.waiting === 0;
  }

  async #until(condition: () => boolean): Promise<void> {
    while (!condition()) await this.#nextProgress.promise;
  }

  #track(work: Promise<void>): void {
    this.#pending++;
    this.#startTimeout();
    work
      .catch((error: unknown) => {
        this.#worst = worse(this.#worst, exitOfError(error));
      })
      .finally(() => {
        this.#pending--;
        this.#onProgress();
      });
  }

  #show(item: OutputItem): void {
    const { json, colour, numbers } = this.#streams;
    if (item.type === "error") this.#lastError = item.message;
    if (item.type === "refused") this.#worst = worse(this.#worst, EXIT.refused);
    if (item.type === "unknown") this.#worst = worse(this.#worst, EXIT.unknown);
    const style = { colour: colour && !isError(item), numbers, me: this.#client.name };
    const lines = render(item, style);
    if (isError(item)) this.#printError(lines);
    if (json) {
      const text = toJson(item);
      if (text !== undefined) this.#write(text);
    } else if (IS_OUTPUT.has(item.type) && !this.#isOwnPatch(item) && lines.length > 0) {
      this.#write(lines.join("\n"));
    }
    if (item.type === "state") this.#onState(item.state);
    if (IS_PROGRESS.has(item.type)) this.#onProgress();
  }

  /** A script knows what it has changed. */
  #isOwnPatch = (item: OutputItem): boolean =>
    item.type === "patch" && item.patch.from === this.#client.name && item.patch.by === undefined;

  /** `#flushed` stays pending if the reader of the output is gone: it has not read these lines. */
  #write(text: string): void {
    const { output } = this.#streams;
    this.#flushed = new Promise((resolve) => {
      output.write(`${text}\n`, (error) => {
        if (!error) resolve();
      });
    });
  }

  #onState(state: ClientState): void {
    this.#problems.onState(state);
    if (state.type === "live") return this.#onProgress();
    this.#startTimeout();
    if (state.type === "replaying") this.#problem = "";
    if (state.type === "offline") this.#lastOfflineReason = state.why;
    if (state.type === "closed" && state.code !== CLOSE.NORMAL) {
      if (state.why !== this.#lastError) this.#printError([whyClosed(state, this.#streams.hasKey)]);
      this.#finished.resolve(exitOfClose(state.code));
    }
  }

  /** Prints why handshakes fail, and ends the program if no retry can succeed. */
  #onProblem({ type, why }: ConnectionProblem): void {
    this.#problem = why;
    if (type === "temporary") return this.#printError([`${why}; retrying`]);
    this.#printError([why]);
    this.#finished.resolve(EXIT.unreachable);
  }

  #printError(lines: readonly string[]): void {
    const [first = "", ...more] = lines.map((line) => line.replace(/^\* /, ""));
    this.#streams.errors.write([`chat: ${sanitizeLine(first)}`, ...more, ""].join("\n"));
  }

  /** Starts the timeout for an answer of the room, if it is not running. */
  #startTimeout(): void {
    const { timeoutMs } = this.#streams;
    if (this.#isFinished || this.#deadline !== undefined || timeoutMs === Infinity) return;
    this.#deadline = setTimeout(() => {
      const why = this.#problem || this.#lastOfflineReason || "the room does not answer";
      this.#printError([`timed out after ${timeoutMs / 1000} s: ${why}`]);
      this.#finished.resolve(EXIT.unreachable);
    }, timeoutMs);
  }

  /** Restarts the timeout after a sign of progress, or stops it if nothing is pending. */
  #onProgress(): void {
    clearTimeout(this.#deadline);
    this.#deadline = undefined;
    if (this.#pending > 0 || this.#client.state.type !== "live") this.#startTimeout();
    this.#nextProgress.resolve();
    this.#nextProgress = Promise.withResolvers();
  }
}

/** The items that go to standard output as lines for people: no presence. */
const IS_OUTPUT = new Set<OutputItem["type"]>(["entry", "patch", "gap", "who", "history", "help"]);
/** The items that show that the room answers, and may have confirmed or rejected a message. */
const IS_PROGRESS = new Set<OutputItem["type"]>(["entry", "patch", "gap", "refused", "unknown"]);

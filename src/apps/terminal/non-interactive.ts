/**
 * Not at a terminal: sends what standard input says, and ends when the input has ended and all of it is decided.
 *
 * Invariants:
 * - Standard output holds what the room says, and nothing else; complaints go to standard error.
 * - What was read is on record before it is sent: whatever ends this, nothing is lost, and nothing goes twice.
 */
import type { Readable, Writable } from "node:stream";
import type { ChatClient, ClientState } from "../../client/index.ts";
import { type ConnectionProblem, ConnectionProblems } from "./connection-problem.ts";
import { cleanLine } from "./sanitize.ts";
import { ChatSession } from "./session.ts";
import { EXIT, type Exit, exitOfClose, exitOfError, worse } from "./exit.ts";
import { readInput } from "./input.ts";
import { toJson } from "./json.ts";
import { readJsonLine } from "./json-line.ts";
import { linesOf } from "./lines.ts";
import { render } from "./render.ts";
import { isComplaint, type OutputItem } from "./output.ts";
import { CLOSE } from "../../protocol/close-codes.ts";

/** How many messages may be undecided before more input is read. */
const UNDECIDED_MAX = 256;

interface NonInteractive {
  readonly input: Readable;
  readonly output: Writable;
  readonly errors: Writable;
  readonly colour: boolean;
  readonly json: boolean;
  readonly timeoutMs: number;
  readonly url: URL;
  /** Resolved when the program is told to end from outside. */
  readonly told: Promise<Exit>;
}

/** @returns when it is over; the client is closed then */
export async function runNonInteractive(client: ChatClient, pipes: NonInteractive): Promise<Exit> {
  const run = new Run(client, pipes);
  const exit = await run.over();
  await client.close();
  run.tellWaiting();
  return exit;
}

class Run {
  readonly #client: ChatClient;
  readonly #pipes: NonInteractive;
  readonly #session: ChatSession;
  readonly #over = Promise.withResolvers<Exit>();
  /** Wakes whoever waits until something was decided. */
  #decided = Promise.withResolvers<void>();
  #undecided = 0;
  #worst: Exit = EXIT.fine;
  /** Resolved when the reader of standard output has taken everything. */
  #taken: Promise<void> = Promise.resolve();
  #lastError = "";
  #lastWhy = "";
  /** Why handshakes fail, which says more than that the connection broke. */
  #diagnosed = "";
  readonly #problems: ConnectionProblems;
  #isOver = false;
  #deadline: NodeJS.Timeout | undefined;

  constructor(client: ChatClient, pipes: NonInteractive) {
    this.#client = client;
    this.#pipes = pipes;
    this.#session = new ChatSession(client, (saying) => this.#say(saying), {
      taken: () => this.#taken,
      read: () => this.#progress(),
    });
    this.#problems = new ConnectionProblems(pipes.url, client.room, (problem) =>
      this.#explain(problem),
    );
    this.#expect();
    // A record that cannot be had closes the client before anyone listens.
    this.#onState(client.state);
  }

  async over(): Promise<Exit> {
    this.#read().then(
      () => this.#over.resolve(this.#worst),
      (error: unknown) => this.#over.reject(error as Error),
    );
    const ended = this.#over.promise.then((exit) => worse(this.#worst, exit));
    try {
      return await Promise.race([ended, this.#pipes.told]);
    } finally {
      this.#isOver = true;
      clearTimeout(this.#deadline);
    }
  }

  tellWaiting(): void {
    const { waiting } = this.#client;
    if (waiting === 0) return;
    const what = waiting === 1 ? "1 message is" : `${waiting} messages are`;
    this.#complain([`${what} not confirmed; kept, to go out first next time: do not send again`]);
  }

  async #read(): Promise<void> {
    let number = 0;
    const { input, json } = this.#pipes;
    for await (const line of linesOf(input)) {
      number++;
      const wish = json && /^\s*[{[]/.test(line) ? readJsonLine(line) : readInput(line);
      if (wish.type === "quit") break;
      if (wish.type === "send") this.#send(wish);
      if (wish.type === "who" || wish.type === "history") {
        // The answer is to show what was sent before the question.
        while (this.#undecided > 0) await this.#decided.promise;
        this.#ask(wish);
      }
      if (wish.type === "help") this.#say({ type: "help" });
      if (wish.type === "wrong" || wish.type === "plain") {
        this.#worst = worse(this.#worst, EXIT.refused);
        this.#say({ type: "error", message: `line ${number}: ${wish.why}` });
      }
      while (this.#undecided >= UNDECIDED_MAX) await this.#decided.promise;
    }
    // What an earlier run left in the outbox is decided as well, and what waited for this name is shown.
    while (
      this.#undecided > 0 ||
      this.#client.waiting > 0 ||
      this.#client.state.type !== "live" ||
      !this.#session.isRead
    ) {
      await this.#decided.promise;
    }
  }

  #send(message: Parameters<ChatSession["send"]>[0]): void {
    this.#await(this.#session.send(message));
  }

  #ask(question: Parameters<ChatSession["ask"]>[0]): void {
    this.#await(this.#session.ask(question));
  }

  #await(work: Promise<void>): void {
    this.#undecided++;
    this.#expect();
    work
      .catch((error: unknown) => {
        this.#worst = worse(this.#worst, exitOfError(error));
      })
      .finally(() => {
        this.#undecided--;
        this.#progress();
      });
  }

  #say(saying: OutputItem): void {
    const { json, colour } = this.#pipes;
    if (saying.type === "error") this.#lastError = saying.message;
    if (saying.type === "refused") this.#worst = worse(this.#worst, EXIT.refused);
    if (saying.type === "unknown") this.#worst = worse(this.#worst, EXIT.unknown);
    const lines = render(saying, { colour: colour && !isComplaint(saying), me: this.#client.name });
    if (isComplaint(saying)) this.#complain(lines);
    if (json) {
      const text = toJson(saying);
      if (text !== undefined) this.#write(text);
    } else if (IS_OUTPUT.has(saying.type) && lines.length > 0) {
      this.#write(lines.join("\n"));
    }
    if (saying.type === "state") this.#onState(saying.state);
    if (IS_PROGRESS.has(saying.type)) this.#progress();
  }

  /** A reader that is gone takes nothing: then what was written is never taken. */
  #write(text: string): void {
    const { output } = this.#pipes;
    this.#taken = new Promise((resolve) => {
      output.write(`${text}\n`, (error) => {
        if (!error) resolve();
      });
    });
  }

  #onState(state: ClientState): void {
    this.#problems.onState(state);
    if (state.type === "live") return this.#progress();
    this.#expect();
    if (state.type === "replaying") this.#diagnosed = "";
    if (state.type === "offline") this.#lastWhy = state.why;
    if (state.type === "closed" && state.code !== CLOSE.NORMAL) {
      if (state.why !== this.#lastError) this.#complain([state.why]);
      this.#over.resolve(exitOfClose(state.code));
    }
  }

  /** Says why handshakes fail, and ends if they would fail for ever. */
  #explain({ type, why }: ConnectionProblem): void {
    this.#diagnosed = why;
    if (type === "temporary") return this.#complain([`${why}; still trying`]);
    this.#complain([why]);
    this.#over.resolve(EXIT.unreachable);
  }

  #complain(lines: readonly string[]): void {
    const [first = "", ...more] = lines.map((line) => line.replace(/^\* /, ""));
    this.#pipes.errors.write([`chat: ${cleanLine(first)}`, ...more, ""].join("\n"));
  }

  /** Something is awaited of the room from now on, if not already before. */
  #expect(): void {
    const { timeoutMs } = this.#pipes;
    if (this.#isOver || this.#deadline !== undefined || timeoutMs === Infinity) return;
    this.#deadline = setTimeout(() => {
      const why = this.#diagnosed || this.#lastWhy || "it does not answer";
      this.#complain([`gave up after ${timeoutMs / 1000} s without the room: ${why}`]);
      this.#over.resolve(EXIT.unreachable);
    }, timeoutMs);
  }

  /** The room did something: the patience begins anew, if there is still something to wait for. */
  #progress(): void {
    clearTimeout(this.#deadline);
    this.#deadline = undefined;
    if (this.#undecided > 0 || this.#client.state.type !== "live") this.#expect();
    this.#decided.resolve();
    this.#decided = Promise.withResolvers();
  }
}

/** What goes to standard output in lines for people: no comings and goings. */
const IS_OUTPUT = new Set<OutputItem["type"]>(["entry", "gap", "who", "history", "help"]);
/** What shows that the room is there, and may have decided something. */
const IS_PROGRESS = new Set<OutputItem["type"]>(["entry", "gap", "refused", "unknown"]);

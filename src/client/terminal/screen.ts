/**
 * A prompt that incoming lines do not tear: what is said goes above it, what is half typed stays as it is.
 *
 * Invariants:
 * - The block at the bottom (status line, prompt, typed text) is drawn by readline alone. What comes in erases it,
 *   writes its lines, and lets readline draw it again.
 * - How far up that block begins is measured, before each key too: readline's own count is wrong after a paste that
 *   went over the edge.
 * - The status is the first line of the prompt. It is taken away before Enter, so that none stays behind.
 */
import { createInterface, type Interface, type Key } from "node:readline";
import type { ReadStream, WriteStream } from "node:tty";

export interface ScreenOptions {
  readonly input: ReadStream;
  readonly output: WriteStream;
  readonly prompt: string;
  readonly complete: (line: string) => [string[], string];
  readonly onLine: (line: string) => void;
  /** Ctrl-C, Ctrl-D, or the terminal is gone. */
  readonly onQuit: () => void;
}

const ESCAPE = "\u001b";

/** How many rows the cursor was below the top of the prompt when readline last drew it; not documented. */
type Readline = Interface & { prevRows: number };

export class Screen {
  readonly #options: ScreenOptions;
  readonly #readline: Readline;
  #status: string | undefined;
  /** While readline handles Enter, after which it would leave the status behind. */
  #hidden = false;
  #closed = false;

  constructor(options: ScreenOptions) {
    const { input, output, complete, onLine, onQuit, prompt } = options;
    this.#options = options;
    this.#readline = createInterface({
      input,
      output,
      terminal: true,
      prompt,
      completer: (line: string) => this.#complete(complete(line)),
      historySize: 1_000,
      removeHistoryDuplicates: true,
    }) as Readline;
    input.prependListener("keypress", this.#beforeKey);
    this.#readline.on("line", (line) => {
      onLine(line);
      this.#draw();
    });
    this.#readline.on("SIGINT", onQuit);
    // A terminal that went away cannot even be set back. Of its input, readline tells the errors as its own.
    (this.#readline as NodeJS.EventEmitter).on("error", onQuit);
    this.#readline.on("close", () => {
      this.#closed = true;
      onQuit();
    });
    this.#readline.prompt();
  }

  print(lines: readonly string[]): void {
    if (lines.length === 0) return;
    const text = `${lines.join("\n")}\n`;
    if (!this.#closed) this.#erase();
    this.#options.output.write(text);
    this.#drawAnew();
  }

  /** @param status one line above the prompt; undefined for none */
  status(status: string | undefined): void {
    if (status === this.#status) return;
    this.#status = status;
    this.#draw();
  }

  /** Leaves the terminal as it was, the half-typed line on it. */
  close(): void {
    if (this.#closed) return;
    this.status(undefined);
    this.#closed = true;
    this.#options.input.off("keypress", this.#beforeKey);
    this.#options.output.write("\n");
    this.#readline.close();
  }

  /** Readline would list several above the prompt in a way of its own, and at the second Tab only. */
  #complete([hits, begun]: [string[], string]): [string[], string] {
    if (hits.length < 2 || commonPrefix(hits) !== begun) return [hits, begun];
    this.print([`  ${hits.join("  ")}`]);
    return [[], begun];
  }

  #draw(): void {
    if (this.#closed) return;
    this.#erase();
    this.#drawAnew();
  }

  /** Where nothing is drawn. */
  #drawAnew(): void {
    if (this.#closed) return;
    const { prompt } = this.#options;
    const bare = this.#hidden || this.#status === undefined;
    this.#readline.setPrompt(bare ? prompt : `${this.#status}\n${prompt}`);
    this.#readline.prompt(true);
  }

  /** Takes the block at the bottom away; what is written next stands where it began. */
  #erase(): void {
    const { rows } = this.#readline.getCursorPos();
    this.#options.output.write(`${rows > 0 ? `${ESCAPE}[${rows}A` : ""}\r${ESCAPE}[J`);
    this.#readline.prevRows = 0;
  }

  #beforeKey = (_text: string | undefined, key: Key): void => {
    if (this.#closed) return;
    this.#readline.prevRows = this.#readline.getCursorPos().rows;
    if (this.#status === undefined) return;
    if (key.name !== "return" && key.name !== "enter") return;
    this.#hidden = true;
    this.#draw();
    // After readline is through with the key.
    setImmediate(() => {
      this.#hidden = false;
      this.#draw();
    });
  };
}

function commonPrefix(words: readonly string[]): string {
  let [prefix = ""] = words;
  for (const word of words) while (!word.startsWith(prefix)) prefix = prefix.slice(0, -1);
  return prefix;
}

/**
 * A prompt that incoming lines do not tear: what is said goes above it, what is half typed stays as it is.
 *
 * Invariants:
 * - The block at the bottom (status line, prompt, typed text) is drawn by readline alone. What comes in erases it,
 *   writes its lines, and lets readline draw it again.
 * - How far up that block begins is measured, before each key too: readline's own count is wrong after a paste that
 *   went over the edge.
 * - The status is the first line of the prompt. It is taken away before Enter, so that none stays behind.
 * - A paste is inserted as it is, its line breaks as `␤`: it sends nothing, and what it begins is no command.
 */
import { createInterface, type Interface, type Key } from "node:readline";
import type { ReadStream } from "node:tty";
import { BREAKS, cleanLine } from "./sanitize.ts";
import { Keyboard, type Output, PASTE_UNITS } from "./keyboard.ts";
import { wrap } from "./wrap.ts";

export interface ScreenOptions {
  readonly input: ReadStream;
  readonly output: Output;
  readonly prompt: string;
  readonly complete: (line: string) => [string[], string];
  /** `isText`: the line begins with what was pasted. */
  readonly onLine: (line: string, isText: boolean) => void;
  /** Ctrl-C, Ctrl-D, or the terminal is gone. */
  readonly onQuit: () => void;
}

const ESCAPE = "\u001b";
/** A line break in the line that is edited. Readline's own editing of several lines is not the same in all releases. */
const BREAK = "␤";

/** How many rows the cursor was below the top of the prompt when readline last drew it; not documented. */
type Readline = Interface & { prevRows: number };

export class Screen {
  readonly #options: ScreenOptions;
  readonly #readline: Readline;
  readonly #keyboard: Keyboard;
  #status: string | undefined;
  /** While readline handles Enter, after which it would leave the status behind. */
  #hidden = false;
  #closed = false;
  /** The line begins with what was pasted. */
  #isText = false;

  constructor(options: ScreenOptions) {
    const { input, output, complete, onLine, onQuit, prompt } = options;
    this.#options = options;
    this.#keyboard = new Keyboard(input, output, (text) => this.#paste(text));
    this.#readline = createInterface({
      input: this.#keyboard,
      output,
      terminal: true,
      prompt,
      completer: (line: string) => this.#complete(complete(line)),
      historySize: 1_000,
      removeHistoryDuplicates: true,
    }) as Readline;
    this.#keyboard.prependListener("keypress", this.#beforeKey);
    this.#keyboard.open(this.#readline);
    this.#readline.on("line", (line) => {
      const isText = this.#isText;
      this.#isText = false;
      onLine(line.replaceAll(BREAK, "\n"), isText);
      this.#draw();
    });
    this.#readline.on("SIGINT", onQuit);
    // A terminal that went away cannot even be set back. Of its input, readline tells the errors as its own.
    (this.#readline as NodeJS.EventEmitter).on("error", onQuit);
    this.#readline.on("close", () => {
      this.#closed = true;
      this.#keyboard.close();
      onQuit();
    });
    this.#readline.prompt();
  }

  print(lines: readonly string[]): void {
    if (lines.length === 0) return;
    const { output } = this.#options;
    const text = `${lines.flatMap((line) => wrap(line, output.columns)).join("\n")}\n`;
    if (!this.#closed) this.#erase();
    output.write(text);
    this.#drawAnew();
  }

  /** Puts a text into the line, as if it had been pasted there; `isText` as `onLine` was told. */
  put(text: string, isText: boolean): void {
    this.#insert(text);
    this.#isText = isText;
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
    this.#keyboard.off("keypress", this.#beforeKey);
    this.#keyboard.close();
    this.#options.output.write("\n");
    this.#readline.close();
  }

  /** Readline would list several above the prompt in a way of its own, and at the second Tab only. */
  #complete([hits, begun]: [string[], string]): [string[], string] {
    if (hits.length < 2 || commonPrefix(hits) !== begun) return [hits, begun];
    this.print([`  ${hits.join("  ")}`]);
    return [[], begun];
  }

  #paste(pasted: string): void {
    if (this.#closed) return;
    if (pasted.length > PASTE_UNITS) {
      return this.print([
        `* the paste is too long, over ${PASTE_UNITS} characters: nothing was taken`,
      ]);
    }
    if (this.#readline.line.trim() === "" && pasted.trim() !== "") this.#isText = true;
    // The end of the last line is not meant.
    this.#insert(pasted.replace(/(\r\n|\n|\r)$/, ""));
  }

  #insert(text: string): void {
    const lines = text.split(BREAKS).map(cleanLine);
    this.#readline.prevRows = this.#readline.getCursorPos().rows;
    this.#readline.write(lines.join(BREAK));
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
    if (this.#readline.line.trim() === "") this.#isText = false;
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

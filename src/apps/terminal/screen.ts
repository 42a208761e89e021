/**
 * A prompt that incoming lines do not break: they are printed above it, and half-typed text stays unchanged.
 *
 * Invariants:
 * - Only readline draws the block at the bottom (status line, prompt, typed text). To print, the screen erases the
 *   block, writes the lines, and lets readline draw it again.
 * - The height of the block is measured, before each key too: readline's own count is wrong after a paste that wraps.
 * - The status is the first line of the prompt. It is removed before Enter, so that no copy stays behind.
 * - A paste is inserted unchanged, with its line breaks as `␤`: it sends nothing, and a line that it begins is not a
 *   command.
 */
import { createInterface, type Interface, type Key } from "node:readline";
import type { ReadStream } from "node:tty";
import { BREAKS } from "./sanitize.ts";
import { sanitizeLine } from "../../protocol/sanitize.ts";
import { Keyboard, type TerminalOutput, PASTE_UNITS } from "./keyboard.ts";
import { wrap } from "./wrap.ts";

export interface ScreenOptions {
  readonly input: ReadStream;
  readonly output: TerminalOutput;
  readonly prompt: string;
  readonly complete: (line: string) => [string[], string];
  /** `isPasted`: the line begins with pasted text. */
  readonly onLine: (line: string, isPasted: boolean) => void;
  /** Called on Ctrl-C, Ctrl-D, or when the terminal is closed. */
  readonly onQuit: () => void;
}

const ESCAPE = "\u001b";
/** Stands for a line break in the edited line. Readline's own multi-line editing differs between releases. */
const BREAK_SYMBOL = "␤";

/** `prevRows` is not documented: the rows from the top of the prompt to the cursor at the last drawing. */
type Readline = Interface & { prevRows: number };

export class Screen {
  readonly #options: ScreenOptions;
  readonly #readline: Readline;
  readonly #keyboard: Keyboard;
  #status: string | undefined;
  /** True while readline handles Enter, which would otherwise leave a copy of the status behind. */
  #isStatusHidden = false;
  #isClosed = false;
  /** The line begins with pasted text. */
  #isPasted = false;

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
      const isPasted = this.#isPasted;
      this.#isPasted = false;
      onLine(line.replaceAll(BREAK_SYMBOL, "\n"), isPasted);
      this.#draw();
    });
    this.#readline.on("SIGINT", onQuit);
    // A closed terminal cannot be restored. Readline emits the errors of its input as its own.
    (this.#readline as NodeJS.EventEmitter).on("error", onQuit);
    this.#readline.on("close", () => {
      this.#isClosed = true;
      this.#keyboard.close();
      onQuit();
    });
    this.#readline.prompt();
  }

  print(lines: readonly string[]): void {
    if (lines.length === 0) return;
    const { output } = this.#options;
    const text = `${lines.flatMap((line) => wrap(line, output.columns)).join("\n")}\n`;
    if (!this.#isClosed) this.#erase();
    output.write(text);
    this.#redraw();
  }

  /** Inserts a text into the line, as a paste does. @param isPasted as `onLine` got it */
  insert(text: string, isPasted: boolean): void {
    this.#insert(text);
    this.#isPasted = isPasted;
  }

  /** Sets the line above the prompt; undefined removes it. */
  status(status: string | undefined): void {
    if (status === this.#status) return;
    this.#status = status;
    this.#draw();
  }

  /** Restores the terminal; the half-typed line stays visible. */
  close(): void {
    if (this.#isClosed) return;
    this.status(undefined);
    this.#isClosed = true;
    this.#keyboard.off("keypress", this.#beforeKey);
    this.#keyboard.close();
    this.#options.output.write("\n");
    this.#readline.close();
  }

  /** Lists several candidates in this layout, at the first Tab; readline lists them at the second, in its own. */
  #complete([matches, prefix]: [string[], string]): [string[], string] {
    if (matches.length < 2 || commonPrefix(matches) !== prefix) return [matches, prefix];
    this.print([`  ${matches.join("  ")}`]);
    return [[], prefix];
  }

  #paste(pasted: string): void {
    if (this.#isClosed) return;
    if (pasted.length > PASTE_UNITS) {
      return this.print([
        `* the paste is too long (over ${PASTE_UNITS} characters): nothing was inserted`,
      ]);
    }
    if (this.#readline.line.trim() === "" && pasted.trim() !== "") this.#isPasted = true;
    // The end of the last line is not part of the message.
    this.#insert(pasted.replace(/(\r\n|\n|\r)$/, ""));
  }

  #insert(text: string): void {
    const lines = text.split(BREAKS).map(sanitizeLine);
    this.#readline.prevRows = this.#readline.getCursorPos().rows;
    this.#readline.write(lines.join(BREAK_SYMBOL));
  }

  #draw(): void {
    if (this.#isClosed) return;
    this.#erase();
    this.#redraw();
  }

  /** Draws the block at the bottom, which must not be on the screen. */
  #redraw(): void {
    if (this.#isClosed) return;
    const { prompt } = this.#options;
    const bare = this.#isStatusHidden || this.#status === undefined;
    this.#readline.setPrompt(bare ? prompt : `${this.#status}\n${prompt}`);
    this.#readline.prompt(true);
  }

  /** Erases the block at the bottom; the next output starts where it began. */
  #erase(): void {
    const { rows } = this.#readline.getCursorPos();
    this.#options.output.write(`${rows > 0 ? `${ESCAPE}[${rows}A` : ""}\r${ESCAPE}[J`);
    this.#readline.prevRows = 0;
  }

  #beforeKey = (_text: string | undefined, key: Key): void => {
    if (this.#isClosed) return;
    if (this.#readline.line.trim() === "") this.#isPasted = false;
    this.#readline.prevRows = this.#readline.getCursorPos().rows;
    if (this.#status === undefined) return;
    if (key.name !== "return" && key.name !== "enter") return;
    this.#isStatusHidden = true;
    this.#draw();
    // Runs after readline has handled the key.
    setImmediate(() => {
      this.#isStatusHidden = false;
      this.#draw();
    });
  };
}

function commonPrefix(words: readonly string[]): string {
  let [prefix = ""] = words;
  for (const word of words) while (!word.startsWith(prefix)) prefix = prefix.slice(0, -1);
  return prefix;
}

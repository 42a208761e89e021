/**
 * The keys of a terminal, as readline wants them. A paste comes in one piece ("bracketed paste"), so that no line break
 * in it sends anything and no Tab completes anything.
 *
 * Invariants:
 * - No key between the two marks of a paste reaches readline.
 * - The terminal is set back however the process ends, unless it is killed.
 */
import { writeSync } from "node:fs";
import { emitKeypressEvents, type Interface, type Key } from "node:readline";
import { PassThrough } from "node:stream";
import type { ReadStream, WriteStream } from "node:tty";

const ESCAPE = "\u001b";
const MARK_PASTES = `${ESCAPE}[?2004h`;
const MARK_NONE = `${ESCAPE}[?2004l`;
/** How much one paste may bring, in UTF-16 units: far more than a message may have. */
export const PASTE_UNITS = 65_536;

/** A terminal that is written to; what is left to say at the end of the process goes straight to its descriptor. */
export type Output = WriteStream & { readonly fd: number };

export class Keyboard extends PassThrough {
  readonly isTTY = true;
  readonly #input: ReadStream;
  readonly #output: Output;
  readonly #onPaste: (text: string) => void;
  /** What came of a paste so far; undefined where none is under way. */
  #paste: string[] | undefined;
  #pasted = 0;
  #isOpen = false;

  /** @param onPaste called with each paste; what is longer than `PASTE_UNITS` is cut right behind that */
  constructor(input: ReadStream, output: Output, onPaste: (text: string) => void) {
    super();
    this.#input = input;
    this.#output = output;
    this.#onPaste = onPaste;
  }

  /** Begins to listen. @param readline which has this as its input */
  open(readline: Interface): void {
    emitKeypressEvents(this.#input, readline);
    this.#input.on("keypress", this.#onKey);
    this.#input.on("end", () => this.end());
    this.#input.on("error", (error) => this.emit("error", error));
    process.on("exit", this.#setBack);
    // A shell that gets the terminal back on Ctrl-Z is shown no marks.
    readline.on("SIGCONT", () => this.#mark(MARK_PASTES));
    this.#isOpen = true;
    this.#mark(MARK_PASTES);
  }

  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    process.off("exit", this.#setBack);
    this.#input.off("keypress", this.#onKey);
    this.#mark(MARK_NONE);
  }

  /** As readline asks for it. */
  setRawMode(mode: boolean): this {
    this.#input.setRawMode(mode);
    return this;
  }

  #onKey = (text: string | undefined, key: Key): void => {
    if (key.name === "paste-start") {
      this.#paste = [];
      this.#pasted = 0;
      return;
    }
    if (this.#paste === undefined) {
      if (key.ctrl === true && key.name === "z") this.#mark(MARK_NONE);
      if (key.name !== "paste-end") this.emit("keypress", text, key);
      return;
    }
    if (key.name === "paste-end") {
      const pasted = this.#paste.join("");
      this.#paste = undefined;
      return this.#onPaste(pasted);
    }
    const raw = key.sequence ?? text ?? "";
    if (this.#pasted <= PASTE_UNITS) this.#paste.push(raw);
    this.#pasted += raw.length;
  };

  #mark(marks: string): void {
    this.#output.write(marks);
  }

  /** The process ends without `close`: there is no later, so it is written at once. */
  #setBack = (): void => {
    try {
      writeSync(this.#output.fd, MARK_NONE);
    } catch {
      // The terminal is gone.
    }
  };
}

/**
 * Passes the keys of a terminal to readline. A paste arrives in one piece ("bracketed paste"), so that a line break in
 * it does not send and a Tab does not complete.
 *
 * Invariants:
 * - No key between the two marks of a paste reaches readline.
 * - The terminal is restored however the process ends, unless it is killed.
 */
import { writeSync } from "node:fs";
import { emitKeypressEvents, type Interface, type Key } from "node:readline";
import { PassThrough } from "node:stream";
import type { ReadStream, WriteStream } from "node:tty";

const ESCAPE = "\u001b";
const PASTE_MODE_ON = `${ESCAPE}[?2004h`;
const PASTE_MODE_OFF = `${ESCAPE}[?2004l`;
/** Maximum size of one paste, in UTF-16 units: far more than a message may have. */
export const PASTE_UNITS = 65_536;

/** The terminal for output. Writes at the exit of the process go straight to its descriptor. */
export type TerminalOutput = WriteStream & { readonly fd: number };

export class Keyboard extends PassThrough {
  readonly isTTY = true;
  readonly #input: ReadStream;
  readonly #output: TerminalOutput;
  readonly #onPaste: (text: string) => void;
  /** The pieces of the current paste; undefined if there is none. */
  #paste: string[] | undefined;
  #pasteUnits = 0;
  #isOpen = false;

  /** @param onPaste called with each paste, which is cut soon after `PASTE_UNITS` */
  constructor(input: ReadStream, output: TerminalOutput, onPaste: (text: string) => void) {
    super();
    this.#input = input;
    this.#output = output;
    this.#onPaste = onPaste;
  }

  /** Starts reading keys. @param readline must have this keyboard as its input */
  open(readline: Interface): void {
    emitKeypressEvents(this.#input, readline);
    this.#input.on("keypress", this.#onKey);
    this.#input.on("end", () => this.end());
    this.#input.on("error", (error) => this.emit("error", error));
    process.on("exit", this.#restoreTerminal);
    // Ctrl-Z turns the mode off, so that the shell gets no marks; it is on again when the program continues.
    readline.on("SIGCONT", () => this.#setPasteMode(PASTE_MODE_ON));
    this.#isOpen = true;
    this.#setPasteMode(PASTE_MODE_ON);
  }

  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    process.off("exit", this.#restoreTerminal);
    this.#input.off("keypress", this.#onKey);
    this.#setPasteMode(PASTE_MODE_OFF);
  }

  /** Called by readline. */
  setRawMode(mode: boolean): this {
    this.#input.setRawMode(mode);
    return this;
  }

  #onKey = (text: string | undefined, key: Key): void => {
    if (key.name === "paste-start") {
      this.#paste = [];
      this.#pasteUnits = 0;
      return;
    }
    if (this.#paste === undefined) {
      if (key.ctrl === true && key.name === "z") this.#setPasteMode(PASTE_MODE_OFF);
      if (key.name !== "paste-end") this.emit("keypress", text, key);
      return;
    }
    if (key.name === "paste-end") {
      const pasted = this.#paste.join("");
      this.#paste = undefined;
      return this.#onPaste(pasted);
    }
    const raw = key.sequence ?? text ?? "";
    if (this.#pasteUnits <= PASTE_UNITS) this.#paste.push(raw);
    this.#pasteUnits += raw.length;
  };

  #setPasteMode(marks: string): void {
    this.#output.write(marks);
  }

  /** Runs when the process exits without `close`; an asynchronous write would be lost, so it writes synchronously. */
  #restoreTerminal = (): void => {
    try {
      writeSync(this.#output.fd, PASTE_MODE_OFF);
    } catch {
      // The terminal is gone.
    }
  };
}

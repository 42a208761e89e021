/**
 * Emulates as much of a terminal as readline uses: turns the bytes that the program writes into what a person sees.
 *
 * Invariant: an unknown sequence throws, so that the screen is never wrong.
 */

// oxlint-disable-next-line no-control-regex -- control sequences of a terminal
const SEQUENCE = /\u001b\[(\??[\d;]*)([A-Za-z])/y;

export class Emulator {
  readonly #columns: number;
  readonly #rows: string[][] = [[]];
  #row = 0;
  #column = 0;
  /** The beginning of an incomplete sequence. */
  #rest = "";

  constructor(columns: number) {
    this.#columns = columns;
  }

  /** The rows on the screen and those scrolled out above it; without trailing spaces and trailing empty rows. */
  get rows(): string[] {
    const rows = this.#rows.map((row) =>
      Array.from(row, (cell) => cell ?? " ")
        .join("")
        .trimEnd(),
    );
    while (rows.at(-1) === "") rows.pop();
    return rows;
  }

  write(text: string): void {
    const all = this.#rest + text;
    this.#rest = "";
    for (let index = 0; index < all.length; index++) {
      if (all[index] !== "\u001b") {
        this.#put(all[index] ?? "");
        continue;
      }
      SEQUENCE.lastIndex = index;
      const [whole, parameters = "", verb = ""] = SEQUENCE.exec(all) ?? [];
      if (whole === undefined) {
        this.#rest = all.slice(index);
        if (this.#rest.length > 16) throw new Error(`unknown: ${JSON.stringify(this.#rest)}`);
        return;
      }
      this.#execute(parameters, verb);
      index += whole.length - 1;
    }
  }

  #put(character: string): void {
    switch (character) {
      case "\r":
        this.#column = 0;
        return;
      case "\n":
        return this.#goTo(this.#row + 1, this.#column);
      case "\b":
        return this.#goTo(this.#row, this.#column - 1);
      case "\t":
        return this.#goTo(this.#row, this.#column + 8 - (this.#column % 8));
      case "\u0007":
        return;
      default:
    }
    if (character < " ") throw new Error(`unknown: ${JSON.stringify(character)}`);
    // A terminal wraps with the next character, not before.
    if (this.#column >= this.#columns) this.#goTo(this.#row + 1, 0);
    const row = this.#rows[this.#row] ?? [];
    while (row.length < this.#column) row.push(" ");
    row[this.#column] = character;
    this.#column++;
  }

  #execute(parameters: string, verb: string): void {
    const count = Math.max(1, Number(parameters) || 1);
    switch (verb) {
      case "A":
        return this.#goTo(this.#row - count, this.#column);
      case "B":
        return this.#goTo(this.#row + count, this.#column);
      case "C":
        return this.#goTo(this.#row, this.#column + count);
      case "D":
        return this.#goTo(this.#row, this.#column - count);
      case "G":
        return this.#goTo(this.#row, count - 1);
      case "J":
        if (parameters !== "" && parameters !== "0") break;
        this.#rows.splice(this.#row + 1);
        this.#rows[this.#row]?.splice(this.#column);
        return;
      case "K":
        if (parameters !== "" && parameters !== "0") break;
        this.#rows[this.#row]?.splice(this.#column);
        return;
      case "m":
      case "h":
      case "l":
        return;
      default:
    }
    throw new Error(`unknown: CSI ${parameters} ${verb}`);
  }

  #goTo(row: number, column: number): void {
    this.#row = Math.max(0, row);
    this.#column = Math.min(this.#columns - 1, Math.max(0, column));
    while (this.#rows.length <= this.#row) this.#rows.push([]);
  }
}

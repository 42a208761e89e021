/** A person at a terminal, with `chat.line`. */
import { type Address, Client, type Credentials } from "./client.ts";

export class LineClient extends Client {
  readonly #room: Address;
  /** Every line of all connections, in order. */
  readonly lines: string[] = [];
  /** Where the next `hears` starts. */
  #position = 0;
  #welcomes = 0;

  constructor(room: Address, name: string, credentials: Credentials) {
    super(name, credentials);
    this.#room = room;
  }

  override async returns(): Promise<void> {
    const before = this.#welcomes;
    this.dial(`${this.#room.url}?name=${encodeURIComponent(this.name)}`, []);
    await this.accepted(() => this.#welcomes > before);
  }

  types(line: string): void {
    this.transmit(line);
  }

  /** Waits for these lines, in this order, after everything that earlier calls have matched. */
  async hears(...lines: readonly string[]): Promise<void> {
    for (const line of lines) {
      const at = await this.until(
        () => {
          const index = this.lines.indexOf(line, this.#position);
          return index >= 0 && { index };
        },
        () => JSON.stringify(line),
      );
      this.#position = at.index + 1;
    }
  }

  protected override hear(text: string): void {
    const lines = text.split("\n");
    this.#welcomes += lines.filter((line) => line.startsWith("* welcome to ")).length;
    this.lines.push(...lines);
  }

  protected override summary(): string {
    return JSON.stringify(this.lines, undefined, 1);
  }
}

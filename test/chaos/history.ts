/** What one client said and what became of it, what came to it, and what it was told: the evidence for the judge. */
import type { Entry } from "../../src/client/index.ts";

export type Rule = "R1" | "R2" | "R3" | "R4" | "R5" | "R6" | "R7" | "R8" | "R9" | "R10" | "R11";

export interface Fault {
  readonly rule: Rule;
  readonly what: string;
}

/**
 * undecided  the room has not decided it
 * confirmed  it came back, with its place
 * refused    for good, with a reason
 * unknown    a gap hides whether it was stored
 * dropped    its client died before it was on record: nobody was promised anything
 * unsure     said in `chat.line`, which confirms nothing
 */
export type Fate = "undecided" | "confirmed" | "refused" | "unknown" | "dropped" | "unsure";

export interface SentMessage {
  readonly text: string;
  /** Absent: to everyone. */
  readonly to?: readonly string[];
  /** It names somebody whom nobody knows: it must be refused. */
  readonly isWrong: boolean;
  fate: Fate;
  /** Why it was refused. */
  why?: string;
}

export type ReceivedMessage = Pick<Entry, "seq" | "from" | "text" | "to">;

export interface Gap {
  readonly from: number;
  readonly to: number;
}

export class History {
  readonly name: string;
  /** In the order said. */
  readonly said: SentMessage[] = [];
  readonly #saidBy = new Map<string, SentMessage>();
  got: ReceivedMessage[] = [];
  gaps: Gap[] = [];
  /** What the room remembers for it at the end; absent if that was not asked. */
  history: readonly ReceivedMessage[] | undefined;
  readonly faults: Fault[] = [];

  constructor(name: string) {
    this.name = name;
  }

  says(said: SentMessage): void {
    this.said.push(said);
    this.#saidBy.set(said.text, said);
  }

  hears({ seq, from, text, to }: ReceivedMessage): void {
    this.got.push({ seq, from, text, ...(to && { to }) });
    if (from === this.name) this.#decided(text, "confirmed");
  }

  /** @param why with a code, as far as there is one */
  refused(text: string, why: string): void {
    this.#decided(text, "refused", why);
  }

  unknown(text: string): void {
    this.#decided(text, "unknown");
  }

  /** A gap hides whether it was stored, and nothing has settled it so far. */
  holds(text: string): void {
    if (this.#saidBy.get(text)?.fate === "undecided") this.unknown(text);
  }

  fault(rule: Rule, what: string): void {
    this.faults.push({ rule, what: `${this.name} ${what}` });
  }

  /** How many of the messages wait for the room. */
  get waiting(): number {
    return this.said.filter(({ fate }) => fate === "undecided").length;
  }

  /**
   * The client died, and only its record is left: what came after its cursor never came, what was decided and is still
   * in its outbox is to be decided again, and what never got into it is dropped.
   * @param outbox the texts in it
   */
  rollBack(cursor: number, outbox: ReadonlySet<string>): void {
    this.got = this.got.filter(({ seq }) => seq <= cursor);
    this.gaps = this.gaps.filter(({ to }) => to <= cursor);
    for (const said of this.said) {
      if (outbox.has(said.text)) said.fate = "undecided";
      else if (said.fate === "undecided") said.fate = "dropped";
    }
  }

  #decided(text: string, fate: Fate, why?: string): void {
    const said = this.#saidBy.get(text);
    if (said === undefined) return;
    if (said.fate !== "undecided" && !(fate === "confirmed" && said.fate === "unknown")) {
      // Whatever it was, it was final. A message that comes twice is counted by its entries.
      if (fate !== said.fate)
        this.fault("R5", `was told ${fate} of "${text}", and ${said.fate} before`);
      return;
    }
    said.fate = fate;
    if (why !== undefined) said.why = why;
  }
}

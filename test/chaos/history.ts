/** The history of one client: what it sent, received and was notified of. The evidence for the checker. */
import type { Entry } from "../../src/client/index.ts";

export type Rule = "R1" | "R2" | "R3" | "R4" | "R5" | "R6" | "R7" | "R8" | "R9" | "R10" | "R11";

export interface Violation {
  readonly rule: Rule;
  readonly what: string;
}

/**
 * undecided  the room has not decided it
 * confirmed  it came back with its seq
 * refused    rejected for good, with a reason
 * unknown    a gap hides whether it was stored
 * dropped    its client died before it was saved, so nothing was promised
 * unsure     sent in `chat.line`, which confirms nothing
 */
export type Fate = "undecided" | "confirmed" | "refused" | "unknown" | "dropped" | "unsure";

export interface SentMessage {
  readonly text: string;
  /** Absent: to everyone. */
  readonly to?: readonly string[];
  /** It names an unknown recipient, so the room must reject it. */
  readonly isInvalid: boolean;
  fate: Fate;
  /** Why it was rejected. */
  why?: string;
}

export type ReceivedMessage = Pick<Entry, "seq" | "from" | "text" | "to">;

export interface Gap {
  readonly from: number;
  readonly to: number;
}

export class History {
  readonly name: string;
  /** In the order sent. */
  readonly sent: SentMessage[] = [];
  readonly #sentByText = new Map<string, SentMessage>();
  received: ReceivedMessage[] = [];
  gaps: Gap[] = [];
  /** The entries that the room has stored for this client at the end; absent if the run did not read them. */
  stored: readonly ReceivedMessage[] | undefined;
  readonly violations: Violation[] = [];

  constructor(name: string) {
    this.name = name;
  }

  addSent(sent: SentMessage): void {
    this.sent.push(sent);
    this.#sentByText.set(sent.text, sent);
  }

  addReceived({ seq, from, text, to }: ReceivedMessage): void {
    this.received.push({ seq, from, text, ...(to && { to }) });
    if (from === this.name) this.#settle(text, "confirmed");
  }

  /** @param why the error code, if there is one */
  addRefused(text: string, why: string): void {
    this.#settle(text, "refused", why);
  }

  addUnknown(text: string): void {
    this.#settle(text, "unknown");
  }

  /** A gap hides whether this message was stored, and nothing has settled it since. */
  addHeld(text: string): void {
    if (this.#sentByText.get(text)?.fate === "undecided") this.addUnknown(text);
  }

  violates(rule: Rule, what: string): void {
    this.violations.push({ rule, what: `${this.name} ${what}` });
  }

  /** Number of messages that the room has not decided. */
  get waiting(): number {
    return this.sent.filter(({ fate }) => fate === "undecided").length;
  }

  /**
   * The client crashed, and only its record is left. Entries above its cursor count as not received, messages in its
   * outbox are undecided again, and messages that never reached the outbox are dropped.
   * @param outbox the texts in it
   */
  rollBack(cursor: number, outbox: ReadonlySet<string>): void {
    this.received = this.received.filter(({ seq }) => seq <= cursor);
    this.gaps = this.gaps.filter(({ to }) => to <= cursor);
    for (const sent of this.sent) {
      if (outbox.has(sent.text)) sent.fate = "undecided";
      else if (sent.fate === "undecided") sent.fate = "dropped";
    }
  }

  #settle(text: string, fate: Fate, why?: string): void {
    const sent = this.#sentByText.get(text);
    if (sent === undefined) return;
    if (sent.fate !== "undecided" && !(fate === "confirmed" && sent.fate === "unknown")) {
      // Every other outcome is final. A message that arrives twice is found by its entries.
      if (fate !== sent.fate)
        this.violates("R5", `got the outcome ${fate} of "${text}" after ${sent.fate}`);
      return;
    }
    sent.fate = fate;
    if (why !== undefined) sent.why = why;
  }
}

/**
 * Carries out the commands that change a message, or refer to one.
 *
 * Invariant: a command that cannot be carried out sends nothing, and its reason is emitted once.
 */
import type { ChatClient } from "../../client/index.ts";
import { ChatError, OutboxFullError, RefusedError } from "../../client/errors.ts";
import { HISTORY_MAX } from "../../protocol/limits.ts";
import type { Input } from "./input.ts";
import { isReadable, type KnownMessages } from "./known-messages.ts";
import { type OutputItem, type Unsent, unsent } from "./output.ts";
import { type Change, resolve, type Resolved, whyUnseen } from "./resolve.ts";

type Send = Extract<Input, { type: "send" }>;
type Request = Exclude<Resolved, { type: "send" | "invalid" | "unseen" }>;

export class Changes {
  readonly #client: ChatClient;
  readonly #known: KnownMessages;
  readonly #emit: (item: OutputItem) => void;
  readonly #send: (message: Send) => Promise<void>;

  /** @param send sends a reply */
  constructor(
    client: ChatClient,
    known: KnownMessages,
    emit: (item: OutputItem) => void,
    send: (message: Send) => Promise<void>,
  ) {
    this.#client = client;
    this.#known = known;
    this.#emit = emit;
    this.#send = send;
  }

  /**
   * Resolves when the room has confirmed the change. If it does not, the reason has been emitted.
   * @param where begins the sentence about a command that cannot be carried out
   * @throws ChatError
   */
  async execute(command: Change, where = ""): Promise<void> {
    let action = this.#resolve(command);
    if (action.type === "unseen") {
      const isSearched = await this.#lookUp(action.ref);
      action = this.#resolve(command);
      if (action.type === "unseen")
        action = { type: "invalid", why: whyUnseen(action.ref, isSearched) };
    }
    if (action.type === "invalid") {
      this.#emit({ type: "error", message: where + action.why });
      throw new RefusedError("invalid", action.why);
    }
    if (action.type === "send") return this.#send(action);
    try {
      await this.#request(action);
    } catch (error) {
      const full = fullItem(error, wanted(action));
      if (full !== undefined) this.#emit(full);
      throw error;
    }
  }

  /** Can the command be carried out without looking a message up? */
  isResolved(command: Change): boolean {
    return this.#resolve(command).type !== "unseen";
  }

  #resolve(command: Change): Resolved {
    // A message that waits is newer than every known one.
    const isWaiting = this.#client.outbox
      .map(unsent)
      .some(({ change, quiet }) => change === undefined && quiet !== true);
    return resolve(command, this.#known, isWaiting);
  }

  #request(action: Request): Promise<unknown> {
    switch (action.type) {
      case "edit":
        return this.#client.edit(action.ref, action.text, action.data);
      case "erase":
        return this.#client.erase(action.ref);
      case "react":
        return this.#client.react(action.original, action.mark, action.on);
      default:
        return action satisfies never;
    }
  }

  /** Gets to know one message, or the newest ones. @returns whether the room has answered */
  async #lookUp(ref: number | undefined): Promise<boolean> {
    // A question would wait for the room, and the command with it.
    if (this.#client.state.type !== "live") return false;
    const page = ref === undefined ? { limit: HISTORY_MAX } : { before: ref + 1, limit: 1 };
    try {
      const { messages } = await this.#client.history(page);
      for (const entry of messages.filter(isReadable)) this.#known.add(entry);
      return true;
    } catch (error) {
      if (!(error instanceof ChatError)) throw error;
      return false;
    }
  }
}

const wanted = (action: Request): Unsent =>
  action.type === "react"
    ? { text: "", ref: action.ref, data: { mark: action.mark } }
    : { ...action, change: action.type };

/**
 * Returns the refusal of what the outbox has no place for. The other refusals are events, which include those of earlier
 * runs. After a close, an item stays in the outbox, and the close is shown once.
 */
export const fullItem = (error: unknown, item: Unsent): OutputItem | undefined =>
  error instanceof OutboxFullError
    ? { ...item, type: "refused", code: "outbox-full", message: error.message }
    : undefined;

/**
 * The checks that both dialects share, and the sentences of what they refuse.
 *
 * Invariant: a sentence names the field and what was expected or the limit, never what was sent.
 */
import type { Command, Refusal } from "../core/event.ts";
import type { Limits } from "../core/limits.ts";
import { type PeerName, utf8Length } from "../protocol/ids.ts";

type Refused = Extract<Command, { type: "Invalid" }>;

export const refused = (code: Refusal["code"], message: string, id?: string): Refused => ({
  type: "Invalid",
  refusal: { code, message, ...(id !== undefined && { id }) },
});

/** Refuses more recipients than one message or signal may have. */
export const tooManyRecipients = (
  to: { readonly length: number },
  { recipients }: Limits,
  id: string | undefined,
): Refused =>
  refused(
    "too-large",
    `to: ${to.length} names, at most ${recipients} go into one item; send it in turns, or to everyone`,
    id,
  );

/**
 * Merges repeats in a list that is too long, before its names are read: reading a name costs a hundred times what
 * comparing two does, and a frame has place for thousands.
 * @returns the list, merged if it is longer than `limits.recipients`
 */
export function merged<Name>(to: readonly Name[], { recipients }: Limits): readonly Name[] {
  return to.length <= recipients ? to : [...new Set(to)];
}

/** Makes a message that keeps the room's limits, or a refusal. */
export function validateMessage(
  text: string,
  to: readonly PeerName[] | undefined,
  id: string | undefined,
  limits: Limits,
): Command {
  // A UTF-16 unit is at most three bytes: most texts need no counting.
  const bytes = text.length * 3 <= limits.text ? 0 : utf8Length(text);
  if (bytes > limits.text) {
    return refused(
      "too-large",
      `text: ${bytes} bytes, at most ${limits.text} bytes of UTF-8 go into one message; send it in parts`,
      id,
    );
  }
  if (to !== undefined && to.length > limits.recipients) return tooManyRecipients(to, limits, id);
  return { type: "Message", text, to, id };
}

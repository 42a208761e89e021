/**
 * The checks that both dialects share, and the sentences of their refusals.
 *
 * Invariant: a sentence names the field and what was expected or the limit, and never quotes the input.
 */
import type { Command, Refusal } from "../core/event.ts";
import type { Limits } from "../core/limits.ts";
import { faultOf } from "../protocol/data.ts";
import type { Data } from "../protocol/frames.ts";
import { type PeerName, utf8Length } from "../protocol/ids.ts";

export type Refused = Extract<Command, { type: "Invalid" }>;

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
 * Removes repeats from a list that is too long, before its names are parsed: parsing a name costs a hundred times as much as
 * comparing two, and a frame holds thousands.
 * @returns the list, without repeats if it is longer than `limits.recipients`
 */
export function merged<Name>(to: readonly Name[], { recipients }: Limits): readonly Name[] {
  return to.length <= recipients ? to : [...new Set(to)];
}

/** Returns the message, or a refusal if it exceeds the room's limits. */
export function validateMessage(
  text: string,
  to: readonly PeerName[] | undefined,
  id: string | undefined,
  limits: Limits,
): Refused | Extract<Command, { type: "Message" }> {
  const refusal = validateText(text, id, limits);
  if (refusal !== undefined) return refusal;
  if (to !== undefined && to.length > limits.recipients) return tooManyRecipients(to, limits, id);
  return { type: "Message", text, to, id };
}

/** @returns a refusal if the text is longer than the room's limit */
export function validateText(
  text: string,
  id: string | undefined,
  limits: Limits,
): Refused | undefined {
  // A UTF-16 unit is at most three bytes: most texts need no counting.
  const bytes = text.length * 3 <= limits.text ? 0 : utf8Length(text);
  if (bytes <= limits.text) return undefined;
  return refused(
    "too-large",
    `text: ${bytes} bytes, at most ${limits.text} bytes of UTF-8 go into one message; send it in parts`,
    id,
  );
}

/** @returns a refusal if the room does not take this `data` */
export function validateData(
  data: Data,
  id: string | undefined,
  limits: Limits,
): Refused | undefined {
  if (limits.data === 0) return refused("too-large", "data: this room takes none", id);
  const fault = faultOf(data);
  if (fault !== undefined) return refused("bad-frame", `data: ${fault}`, id);
  const bytes = utf8Length(JSON.stringify(data));
  if (bytes <= limits.data) return undefined;
  const limit = `data: ${bytes} bytes, at most ${limits.data} bytes of JSON go into one entry`;
  return refused("too-large", limit, id);
}

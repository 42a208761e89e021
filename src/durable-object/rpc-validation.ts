/**
 * Checks the request that another Worker passes to the room's object: types are not checked across a call.
 *
 * Invariant: a request that passes makes no turn of the room fail.
 */
import * as v from "valibot";
import { validateData, validateMessage } from "../codec/validation.ts";
import type { Limits } from "../core/limits.ts";
import type { AdminRequest, Publication } from "../protocol/admin.ts";
import { faultOf } from "../protocol/data.ts";
import { clientFrames, named, position } from "../protocol/frames.ts";

const { id, text, to, ref } = clientFrames.send.entries;
const data = v.pipe(
  clientFrames.send.entries.data,
  v.check((value) => value === undefined || faultOf(value) === undefined),
  // What travels to an object may be a date, or a map: the log has JSON.
  v.transform((value) => JSON.parse(JSON.stringify(value)) as unknown),
  clientFrames.send.entries.data,
);
const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));

const REQUESTS = {
  Publish: v.object({
    type: v.literal("Publish"),
    from: named(),
    text,
    to,
    ref,
    data: v.optional(data),
    quiet: v.optional(v.literal(true)),
    id: v.optional(id),
    since: v.optional(position),
  }),
  EraseEntry: v.object({ type: v.literal("EraseEntry"), seq: position }),
  Expel: v.object({ type: v.literal("Expel"), name: named() }),
  Erase: v.object({ type: v.literal("Erase") }),
  Messages: v.object({
    type: v.literal("Messages"),
    since: position,
    until: v.optional(position),
    limit: count,
    bytes: v.pipe(v.number(), v.minValue(0)),
  }),
  Names: v.object({ type: v.literal("Names"), after: v.string(), limit: count }),
  Stats: v.object({ type: v.literal("Stats") }),
} satisfies Record<AdminRequest["type"], unknown>;

const schemas = new Map<unknown, (typeof REQUESTS)[AdminRequest["type"]]>(Object.entries(REQUESTS));

/** @returns the request, or a sentence that says what is wrong with it, without quoting it */
export function validateRequest(given: unknown, limits: Limits): AdminRequest | string {
  const type = (given as { readonly type?: unknown } | null | undefined)?.type;
  const schema = schemas.get(type);
  if (schema === undefined) return `type: expected one of ${Object.keys(REQUESTS).join(", ")}`;
  const result = v.safeParse(schema, given, { abortEarly: true });
  if (result.success) {
    const request = result.output as AdminRequest;
    return (request.type === "Publish" ? faultInContents(request, limits) : undefined) ?? request;
  }
  return `${String(result.issues[0].path?.[0]?.key)}: not what an order of type ${String(type)} needs`;
}

/** A row that is too long for the storage would make the turn fail for everyone in it. */
function faultInContents({ text, data, to, id }: Publication, limits: Limits): string | undefined {
  if (text === "" && data === undefined) return "text: expected one that is not empty, or data";
  const command = (data && validateData(data, id, limits)) ?? validateMessage(text, to, id, limits);
  return command.type === "Invalid" ? command.refusal.message : undefined;
}

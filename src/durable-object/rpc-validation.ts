/**
 * Checks the request that another Worker passes to the room's object: types are not checked across a call.
 *
 * Invariant: a request that passes makes no turn of the room fail.
 */
import * as v from "valibot";
import type { AdminRequest } from "../protocol/admin.ts";
import { faultOf } from "../protocol/data.ts";
import { clientFrames, named, position } from "../protocol/frames.ts";

const { id, text, to, ref } = clientFrames.send.entries;
const data = v.pipe(
  clientFrames.send.entries.data,
  v.check((value) => value === undefined || faultOf(value) === undefined),
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
export function validateRequest(given: unknown): AdminRequest | string {
  const type = (given as { readonly type?: unknown } | null | undefined)?.type;
  const schema = schemas.get(type);
  if (schema === undefined) return `type: expected one of ${Object.keys(REQUESTS).join(", ")}`;
  const result = v.safeParse(schema, given, { abortEarly: true });
  if (result.success) return result.output as AdminRequest;
  return `${String(result.issues[0].path?.[0]?.key)}: not what an order of type ${String(type)} needs`;
}

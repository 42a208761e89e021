/**
 * Parses requests of the operator: the body of a publication, and the parameters of a query.
 *
 * Invariant: a result needs no further check; an error names the field.
 */
import * as v from "valibot";
import { KIB, type Limits } from "../../core/limits.ts";
import type { Publication } from "../../protocol/admin.ts";
import type { Seq } from "../../protocol/ids.ts";
import { WHOLE_NUMBER } from "../../protocol/whole-number.ts";
import { badRequest, errorResponse } from "../responses.ts";
import { clientFrames, expectationOf, named, position } from "../../protocol/frames.ts";
import {
  merged,
  tooManyRecipients,
  validateData,
  validateMessage,
} from "../../codec/validation.ts";

/** The most bytes of a request's body, and the highest `Content-Length`. */
export const BODY_BYTES = 512 * KIB;

const { id, text, to, ref, data, quiet } = clientFrames.send.entries;

/** Unknown fields are rejected: a misspelt `since` would publish twice. */
const publication = v.strictObject({
  from: named(),
  text,
  to,
  ref,
  data,
  quiet,
  id: v.optional(id),
  since: v.optional(position),
});

const FIELDS = Object.keys(publication.entries).join(", ");

const EXPECTED_HERE: Readonly<Record<string, string>> = {
  from: "a name that the room knows",
  since: "a whole number from 0 on, together with an id, or absent",
};

/** @returns the message to publish, or the error response */
export async function readPublication(
  request: Request,
  limits: Limits,
): Promise<Publication | Response> {
  const type = request.headers.get("Content-Type") ?? "";
  if (!/^application\/json *(; *charset="?utf-8"?)?$/i.test(type.trim())) {
    return errorResponse(
      415,
      "unsupported-media-type",
      "send the body as application/json, in UTF-8",
    );
  }
  const body = await readBody(request);
  if (body instanceof Response) return body;
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder("utf-8", { fatal: true, ignoreBOM: false }).decode(body));
  } catch {
    return badRequest("the body is not JSON in UTF-8");
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    return badRequest(`the body must be one JSON object with the fields ${FIELDS}`);
  }
  const { to: names } = value as { to?: unknown };
  if (Array.isArray(names)) {
    const distinct = merged(names as readonly unknown[], limits);
    if (distinct.length > limits.recipients) {
      return errorResponse(
        413,
        "too-large",
        tooManyRecipients(distinct, limits, undefined).refusal.message,
      );
    }
    value = { ...value, to: distinct };
  }
  const result = v.safeParse(publication, value, { abortEarly: true });
  if (!result.success) {
    const key = result.issues[0].path?.[0]?.key;
    if (!Object.hasOwn(publication.entries, String(key)))
      return badRequest(`there is a field that is none of ${FIELDS}`);
    const expected = EXPECTED_HERE[String(key)] ?? expectationOf("send", String(key));
    return badRequest(`${String(key)}: expected ${expected}`);
  }
  const { quiet: isQuiet, ...message } = result.output;
  if (message.since !== undefined && message.id === undefined)
    return badRequest(`since: expected ${EXPECTED_HERE["since"]}`);
  if (message.text === "" && message.data === undefined)
    return badRequest(`text: expected ${expectationOf("send", "text")}`);
  const command =
    (message.data && validateData(message.data, message.id, limits)) ??
    validateMessage(message.text, message.to, message.id, limits);
  if (command.type === "Invalid") {
    const { code, message: why } = command.refusal;
    return code === "too-large" ? errorResponse(413, code, why) : badRequest(why);
  }
  return withoutUndefined({ ...message, quiet: isQuiet || undefined }) as unknown as Publication;
}

const withoutUndefined = (fields: object): object =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));

const tooLarge = (): Response =>
  errorResponse(413, "too-large", `the body: at most ${BODY_BYTES} bytes are read`);

/** Reads at most `BODY_BYTES`, whatever `Content-Length` says. */
async function readBody(request: Request): Promise<Uint8Array | Response> {
  if (Number(request.headers.get("Content-Length") ?? 0) > BODY_BYTES) return tooLarge();
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for await (const part of request.body ?? []) {
    bytes += part.byteLength;
    if (bytes > BODY_BYTES) return tooLarge();
    parts.push(part);
  }
  const body = new Uint8Array(bytes);
  let at = 0;
  for (const part of parts) {
    body.set(part, at);
    at += part.byteLength;
  }
  return body;
}

/** @returns the number, `absent` if there is none, undefined if it is outside the grammar */
export function readNumber(text: string | null, absent: number): number | undefined {
  if (text === null) return absent;
  return WHOLE_NUMBER.test(text) ? Math.min(Number(text), Number.MAX_SAFE_INTEGER) : undefined;
}

export const readSeq = (text: string): Seq | undefined => readNumber(text, 0) as Seq | undefined;

/** @returns an error for an unknown or repeated parameter; undefined if there is none */
export function strayParameter(
  query: URLSearchParams,
  allowed: readonly string[],
): string | undefined {
  for (const parameter of new Set(query.keys())) {
    if (!allowed.includes(parameter)) {
      return allowed.length === 0
        ? "there are no parameters here"
        : `the parameters here are ${allowed.join(", ")}`;
    }
    if (query.getAll(parameter).length > 1) return `${parameter}: give it once`;
  }
  return undefined;
}

/** Responses over plain HTTP: one line of JSON each, never cached. */

export const NO_STORE = { "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff" };

export const json = (
  status: number,
  value: unknown,
  headers: Record<string, string> = {},
): Response =>
  new Response(`${JSON.stringify(value)}\n`, {
    status,
    headers: { "Content-Type": "application/json", ...NO_STORE, ...headers },
  });

/** @param message what is wrong, and what to do instead */
export const errorResponse = (
  status: number,
  code: string,
  message: string,
  headers: Record<string, string> = {},
): Response => json(status, { error: { code, message } }, headers);

export const badRequest = (message: string): Response => errorResponse(400, "bad-request", message);

export const methodNotAllowed = (allow: string): Response =>
  errorResponse(405, "method-not-allowed", `only ${allow} is understood here`, { Allow: allow });

/** Decodes a segment of a path; undefined if it is not UTF-8. */
export function decodePathSegment(segment: string): string | undefined {
  try {
    return decodeURIComponent(segment);
  } catch {
    return undefined;
  }
}

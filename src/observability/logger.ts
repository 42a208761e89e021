/**
 * The log for the operator: one flat JSON line for each event. No other file writes to the log.
 *
 * Invariants:
 * - A line holds the room, codes, positions and counts; a name only as a hash. Never a text, a key, a query string.
 * - The hash is keyed with the secret part of the database's random id. A reader of the log can follow one name through one
 *   room, but cannot read it, nor search for a name they guess, nor find it in another room.
 */
import type { AuditEvent } from "../core/audit-log.ts";
import { sipHash } from "./siphash.ts";

/** Log events that no broker turn produces. */
export type OperationalEvent =
  | { readonly event: "storage-trouble"; readonly error: string }
  | { readonly event: "room-unreachable"; readonly error: string }
  | { readonly event: "rate-limit-unavailable"; readonly error: string }
  | { readonly event: "jwks-unavailable"; readonly error: string }
  | { readonly event: "bad-configuration"; readonly error: string }
  | { readonly event: "refusal"; readonly status: number }
  | { readonly event: "refusal"; readonly code: number }
  | { readonly event: "operator"; readonly order: "Messages" | "Export" };

/** Logs one event. @param room undefined where there is none */
export function logEvent(operational: OperationalEvent, room?: string): void {
  const { event, ...facts } = operational;
  write({ event, room, ...facts }, "error" in operational);
}

/** Logs the audit events of a turn. @param key the secret of the room with which names are hashed */
export function logAudit(events: readonly AuditEvent[], room: string, key: string): void {
  if (events.length === 0) return;
  for (const audit of events) {
    const { event, ...facts } = audit;
    const name = "name" in audit ? { name: hashed(audit.name, key) } : {};
    write({ event, room, ...facts, ...name }, "error" in audit);
  }
}

const encoder = new TextEncoder();

function hashed(name: string, key: string): string {
  const bytes = new Uint8Array(16);
  encoder.encodeInto(key, bytes);
  return sipHash(bytes, encoder.encode(name));
}

function write(line: object, isError: boolean): void {
  const text = JSON.stringify(line);
  if (isError) console.error(text);
  else console.log(text);
}

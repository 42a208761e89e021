/**
 * What an operator reads: one flat JSON line for each thing that happened, the only place that writes any.
 *
 * Invariants:
 * - A line holds the room, codes, positions and counts; a name only as a hash. Never a text, a key, a query string.
 * - The hash is keyed with a part of the database's random id that nobody is told: whoever reads the lines can follow
 *   one name through one room, but can neither read it, nor look for a name they guess, nor find it in another room.
 */
import type { AuditEvent } from "../core/audit-log.ts";
import { sipHash } from "./siphash.ts";

/** What happened outside a turn of the broker. */
export type OperationalEvent =
  | { readonly event: "storage-trouble"; readonly error: string }
  | { readonly event: "room-unreachable"; readonly error: string }
  | { readonly event: "rate-limit-unavailable"; readonly error: string }
  | { readonly event: "jwks-unavailable"; readonly error: string }
  | { readonly event: "bad-configuration"; readonly error: string }
  | { readonly event: "refusal"; readonly status: number }
  | { readonly event: "refusal"; readonly code: number }
  | { readonly event: "operator"; readonly order: "Messages" | "Export" };

/** @param room undefined where there is none */
export function logEvent(trouble: OperationalEvent, room?: string): void {
  const { event, ...facts } = trouble;
  write({ event, room, ...facts }, "error" in trouble);
}

/** Writes the notes of a turn. @param key of the room, secret */
export function logAudit(notes: readonly AuditEvent[], room: string, key: string): void {
  if (notes.length === 0) return;
  for (const note of notes) {
    const { event, ...facts } = note;
    const name = "name" in note ? { name: hashed(note.name, key) } : {};
    write({ event, room, ...facts, ...name }, "error" in note);
  }
}

const encoder = new TextEncoder();

function hashed(name: string, key: string): string {
  const bytes = new Uint8Array(16);
  encoder.encodeInto(key, bytes);
  return sipHash(bytes, encoder.encode(name));
}

function write(line: object, isTrouble: boolean): void {
  const text = JSON.stringify(line);
  if (isTrouble) console.error(text);
  else console.log(text);
}

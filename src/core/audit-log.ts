/**
 * Audit events of a turn: gathered while the broker decides, logged once the turn is stored.
 *
 * Invariant: an event holds names, positions and counts; never a text, a key, or anything else that a client sent.
 */
import type { Dialect } from "./event.ts";
import { MINUTE } from "./limits.ts";
import type { ConnectionId, PeerName, Seq } from "../protocol/ids.ts";
import type { AdminRequest, AdminResult } from "../protocol/admin.ts";

/** The connection that an event is about. */
interface Who {
  readonly name: PeerName;
  readonly connection: ConnectionId;
}

export type AuditEvent =
  | (Who & { readonly event: "join"; readonly dialect: Dialect; readonly online: number })
  | (Who & {
      readonly event: "takeover";
      readonly dialect: Dialect;
      readonly replaced: ConnectionId;
    })
  | (Who & { readonly event: "leave"; readonly code: number; readonly online: number })
  | (Who & { readonly event: "refusal"; readonly code: number })
  /** A row could not be read; `error` holds nothing of it. */
  | { readonly event: "storage-trouble"; readonly error: string }
  /** `entries` that are no longer kept; `first` is the oldest that is. */
  | { readonly event: "trim"; readonly first: Seq; readonly entries: number }
  | {
      readonly event: "operator";
      readonly order: AdminRequest["type"];
      readonly outcome: AdminResult["type"];
      readonly name?: PeerName;
      readonly seq?: Seq;
    };

export class AuditBuffer {
  #events: AuditEvent[] = [];
  #trimmed = 0;
  #trimmedAt = Number.NEGATIVE_INFINITY;

  add(event: AuditEvent): void {
    this.#events.push(event);
  }

  /** Counts trimmed entries. A full log is trimmed with every message, so the event comes once a minute. */
  trimmed(first: Seq, entries: number, now: number): void {
    this.#trimmed += entries;
    if (this.#trimmed === 0 || Math.abs(now - this.#trimmedAt) < MINUTE) return;
    this.add({ event: "trim", first, entries: this.#trimmed });
    this.#trimmed = 0;
    this.#trimmedAt = now;
  }

  /** Returns the events since the last call. Call it once the turn is stored. */
  take(): readonly AuditEvent[] {
    const events = this.#events;
    this.#events = [];
    return events;
  }
}

/**
 * What an operator should know of a turn: gathered while the broker decides, written down once it is stored.
 *
 * Invariant: a note holds names, positions and counts; never a text, a key, or anything else that somebody sent.
 */
import type { Dialect } from "./event.ts";
import { MINUTE } from "./limits.ts";
import type { ConnectionId, PeerName, Seq } from "../protocol/ids.ts";
import type { AdminRequest, AdminResult } from "../protocol/admin.ts";

/** Who did it, or to whom it was done. */
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
  /** Something stored could not be read; `error` holds nothing of it. */
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
  #notes: AuditEvent[] = [];
  #trimmed = 0;
  #trimToldAt = Number.NEGATIVE_INFINITY;

  add(note: AuditEvent): void {
    this.#notes.push(note);
  }

  /** A full log is trimmed with every message: that is told once a minute. */
  trimmed(first: Seq, entries: number, now: number): void {
    this.#trimmed += entries;
    if (this.#trimmed === 0 || Math.abs(now - this.#trimToldAt) < MINUTE) return;
    this.add({ event: "trim", first, entries: this.#trimmed });
    this.#trimmed = 0;
    this.#trimToldAt = now;
  }

  /** The notes since this was last asked; to be asked once the turn is stored. */
  take(): readonly AuditEvent[] {
    const notes = this.#notes;
    this.#notes = [];
    return notes;
  }
}

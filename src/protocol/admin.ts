/**
 * What an operator may ask of a room, and what it is answered. Plain data: it travels between the Worker and the room.
 */
import type { PeerName, Seq } from "./ids.ts";

/** A message in the name of somebody whom the room knows. */
export interface Publication {
  readonly from: PeerName;
  readonly text: string;
  readonly to?: readonly PeerName[];
  readonly id?: string;
  /** With an `id`: nothing is published if an entry above this one has it, from the same name. */
  readonly since?: Seq;
}

export type AdminRequest =
  | ({ readonly type: "Publish" } & Publication)
  /** The text of one entry is erased. */
  | { readonly type: "Redact"; readonly seq: Seq }
  /** A name's connection is ended, and the name forgotten. */
  | { readonly type: "Expel"; readonly name: PeerName }
  /** Everyone's connection is ended, and the storage erased. It stands alone in its turn, and is the broker's last. */
  | { readonly type: "Erase" }
  | {
      readonly type: "Messages";
      readonly since: Seq;
      readonly limit: number;
      readonly bytes: number;
    }
  | { readonly type: "Names"; readonly after: string; readonly limit: number }
  | { readonly type: "Stats" };

/** What the operator sees of one name. */
export interface NameFacts {
  readonly name: PeerName;
  readonly online: boolean;
  /** Everything up to here is processed. */
  readonly cursor: Seq;
  /** Entries above the cursor that concern the name, counted among the newest `SCAN_ENTRIES`. */
  readonly waiting: number;
  /** The cursor is further back than was counted. */
  readonly more: boolean;
  /** ms since 1970 */
  readonly seen: number;
}

export interface RoomFacts {
  readonly peers: {
    /** Connected, or in grace. */
    readonly online: number;
    readonly known: number;
  };
  readonly log: {
    readonly first: Seq;
    readonly head: Seq;
    readonly entries: number;
    /** As they were appended: what was erased since still counts. */
    readonly bytes: number;
    /** When the oldest and the newest row were written, ms since 1970; absent if there is none. */
    readonly oldestAt?: number;
    readonly newestAt?: number;
  };
  readonly waiting: {
    /** Names that are away and for whom something waits. */
    readonly away: number;
    /** Connected peers that are fed from the log. */
    readonly behind: number;
    /** Entries handed over and not acknowledged. */
    readonly inFlight: number;
    readonly inFlightBytes: number;
  };
  /** Since the room's memory was made. */
  readonly refusals: { readonly joins: number; readonly commands: number };
}

export type AdminResult =
  /** `frame`: the entry as the `message` frame that goes over the wire. */
  | { readonly type: "published"; readonly frame: string; readonly isNew: boolean }
  /** Not found so far: to be asked again with this `since`. */
  | { readonly type: "further"; readonly since: Seq }
  | { readonly type: "void-since"; readonly first: Seq; readonly head: Seq }
  | { readonly type: "unknown"; readonly names: readonly PeerName[] }
  | { readonly type: "no-entry" }
  | { readonly type: "done" }
  | {
      readonly type: "messages";
      /** `message` frames, oldest first. */
      readonly frames: readonly string[];
      /** Everything up to here was looked at. */
      readonly end: Seq;
      readonly first: Seq;
      readonly head: Seq;
    }
  | { readonly type: "names"; readonly names: readonly NameFacts[]; readonly next?: PeerName }
  | { readonly type: "stats"; readonly facts: RoomFacts }
  /** The storage failed; what was ordered is not done, or nobody can say. */
  | { readonly type: "trouble" };

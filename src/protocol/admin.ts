/**
 * The requests of an operator to a room, and their results. Plain data: they travel between the Worker and the room.
 */
import type { Data } from "./frames.ts";
import type { PeerName, Seq } from "./ids.ts";

/** A message in the name of a peer that the room knows. */
export interface Publication {
  readonly from: PeerName;
  readonly text: string;
  readonly to?: readonly PeerName[];
  readonly ref?: Seq;
  readonly data?: Data;
  readonly quiet?: true;
  readonly id?: string;
  /** With an `id`: nothing is published if an entry above this one has it, from the same name. */
  readonly since?: Seq;
}

export type AdminRequest =
  | ({ readonly type: "Publish" } & Publication)
  /** Erases the text and the data of one entry, wherever there is a copy. */
  | { readonly type: "EraseEntry"; readonly seq: Seq }
  /** Closes the connection of a name, and forgets the name. */
  | { readonly type: "Expel"; readonly name: PeerName }
  /** Closes all connections, and erases the storage. It is alone in its turn, and the last of its broker. */
  | { readonly type: "Erase" }
  | {
      readonly type: "Messages";
      readonly since: Seq;
      /** Nothing above it. */
      readonly until?: Seq;
      readonly limit: number;
      readonly bytes: number;
    }
  | { readonly type: "Names"; readonly after: string; readonly limit: number }
  | { readonly type: "Stats" };

/** The facts of one name. */
export interface NameFacts {
  readonly name: PeerName;
  readonly online: boolean;
  /** Everything up to here is processed. */
  readonly cursor: Seq;
  /** Entries above the cursor that concern the name, counted among the newest `SCAN_ENTRIES`. */
  readonly waiting: number;
  /** The cursor is older than the counted entries. */
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
    /** As they were appended: texts that were erased since still count. */
    readonly bytes: number;
    /** When the oldest and the newest row were written, ms since 1970; absent if there is none. */
    readonly oldestAt?: number;
    readonly newestAt?: number;
  };
  readonly waiting: {
    /** Names that are away and that messages wait for. */
    readonly away: number;
    /** Connected peers that are fed from the log. */
    readonly behind: number;
    /** Entries sent and not acknowledged. */
    readonly inFlight: number;
    readonly inFlightBytes: number;
  };
  /** Refusals since the room was last rebuilt. */
  readonly refusals: { readonly joins: number; readonly commands: number };
}

export type AdminResult =
  /** `frame`: the entry as the `message` frame that goes over the wire. */
  | { readonly type: "published"; readonly frame: string; readonly isNew: boolean }
  /** Not found so far: send the request again with this `since`. */
  | { readonly type: "further"; readonly since: Seq }
  | { readonly type: "void-since"; readonly first: Seq; readonly head: Seq }
  | { readonly type: "unknown"; readonly names: readonly PeerName[] }
  | { readonly type: "no-entry" }
  | { readonly type: "done" }
  | {
      readonly type: "messages";
      /** `message` frames, folded, oldest first; patches are left out. */
      readonly frames: readonly string[];
      /** The last position that was read. */
      readonly end: Seq;
      readonly first: Seq;
      readonly head: Seq;
    }
  | { readonly type: "names"; readonly names: readonly NameFacts[]; readonly next?: PeerName }
  | { readonly type: "stats"; readonly facts: RoomFacts }
  /** The storage failed: the request was not executed, or its outcome is unknown. */
  | { readonly type: "trouble" };

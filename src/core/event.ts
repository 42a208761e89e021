/**
 * The events that the broker takes, in arrival order, and the messages that it sends.
 */
import type { Entry } from "./entry.ts";
import type { Change } from "./patch.ts";
import type { Data } from "../protocol/frames.ts";
import type { ConnectionId, ConnectionRef, PeerName, RoomName, Seq } from "../protocol/ids.ts";
import type { AdminRequest } from "../protocol/admin.ts";
import type { ErrorCode } from "../protocol/error-codes.ts";

/** `chat.v1`: JSON, exactly once. `chat.line`: the tutorial's lines, for people. */
export type Dialect = "chat.v1" | "chat.line";

/** Why one command was refused, for good. */
export interface Refusal {
  readonly code: ErrorCode;
  /** Which field, what was expected, what to do instead. Never the offending frame. */
  readonly message: string;
  /** The id of the command, where one could be read. */
  readonly id?: string;
}

/** Identifies one connect of a client: a token that outlives its connections, and a rising number. */
export interface Session {
  readonly token: string;
  readonly attempt: number;
}

/** A request to enter the room. */
export interface Join {
  readonly room: RoomName;
  readonly name: PeerName;
  /** Hash of the key, or of the issuer and subject of a token; empty if none was given. */
  readonly owner: string;
  readonly dialect: Dialect;
  readonly since?: Seq;
  readonly epoch?: string;
  readonly session?: Session;
  /** When the key expires, ms since 1970; absent: never. */
  readonly expiresAt?: number;
}

/** A command of a connected peer. */
export type Command =
  | {
      readonly type: "Message";
      readonly text: string;
      readonly to?: readonly PeerName[] | undefined;
      readonly id?: string | undefined;
      readonly ref?: Seq | undefined;
      readonly data?: Data | undefined;
      readonly quiet?: true | undefined;
    }
  /** Changes an earlier entry. */
  | ({ readonly type: "Patch"; readonly id: string; readonly ref: Seq } & Change)
  /** `k`: that of the newest mark that the client has read. */
  | { readonly type: "Ack"; readonly seq: Seq; readonly k?: string }
  | { readonly type: "Signal"; readonly data: string; readonly to?: readonly PeerName[] }
  | {
      readonly type: "History";
      readonly id?: string;
      readonly before?: Seq;
      readonly limit: number;
    }
  | { readonly type: "Who"; readonly id?: string; readonly after?: string }
  | { readonly type: "Invalid"; readonly refusal: Refusal }
  | { readonly type: "Help" }
  | { readonly type: "Quit" }
  /** A frame without a command in it; it counts all the same. */
  | { readonly type: "Empty" };

export type Event =
  | { readonly type: "NewPeer"; readonly id: ConnectionId; readonly join: Join }
  | { readonly type: "CommandReceived"; readonly link: ConnectionRef; readonly command: Command }
  /** The room must close the connection: a frame is binary (1003) or too big (1009), the storage failed (4102). */
  | {
      readonly type: "ConnectionFailed";
      readonly link: ConnectionRef;
      readonly code: number;
      readonly reason: string;
    }
  /** A failure signal, or a goodbye. May come twice, late, or for a connection that was replaced. */
  | { readonly type: "Disconnect"; readonly link: ConnectionRef; readonly code: number }
  /** A request of the operator. `requestId`: identifies its result. */
  | { readonly type: "Operator"; readonly requestId: number; readonly request: AdminRequest }
  /** Something is due: presence, a page, a check for dead connections. */
  | { readonly type: "Tick" };

/** A message to one peer, before a dialect encodes it. */
export type ServerMessage =
  | {
      readonly type: "welcome";
      readonly room: RoomName;
      readonly name: PeerName;
      readonly epoch: string;
      readonly head: Seq;
      readonly since: Seq;
      readonly online: number;
      readonly peers: readonly PeerName[];
      readonly spread: number;
    }
  | { readonly type: "gap"; readonly from: Seq; readonly to: Seq }
  /** `shared`: this very object goes to several peers. */
  | { readonly type: "entries"; readonly entries: readonly Entry[]; readonly shared?: true }
  | { readonly type: "ready"; readonly seq: Seq }
  /** `chat.v1` only: a client that reads it shows `k` with its next ack. */
  | { readonly type: "mark"; readonly k: string }
  | {
      readonly type: "presence";
      readonly joined: readonly PeerName[];
      readonly left: readonly PeerName[];
      readonly online: number;
      readonly missed: boolean;
    }
  | {
      readonly type: "signal";
      readonly from: PeerName;
      readonly to: readonly PeerName[] | undefined;
      /** JSON text. */
      readonly data: string;
    }
  | {
      readonly type: "history";
      readonly id: string | undefined;
      readonly entries: readonly Entry[];
      readonly next: Seq | undefined;
    }
  | {
      readonly type: "who";
      readonly id: string | undefined;
      readonly peers: readonly { readonly name: PeerName; readonly online: boolean }[];
      readonly next: PeerName | undefined;
    }
  | { readonly type: "error"; readonly refusal: Refusal }
  /** `chat.line` only. */
  | { readonly type: "away"; readonly names: readonly PeerName[] }
  | { readonly type: "help" };
/** A reply that a peer waits for: built when its turn comes, so a thousand queries cost no pages in memory. */
export type PendingReply =
  | Extract<Command, { type: "History" | "Who" }>
  | Extract<ServerMessage, { type: "error" | "help" | "away" }>
  /** Presence was dropped: the client queries `who`. */
  | { readonly type: "missed" };

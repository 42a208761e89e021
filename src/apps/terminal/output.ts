/** The items that the program shows, as lines for people (render.ts) or as JSON (json.ts). */
import type { ClientState, Entry, OutboxItem, Patch } from "../../client/index.ts";
import type { Data } from "../../protocol/frames.ts";
import type { KnownMessage } from "./known-messages.ts";

/** A message, or a change of the message `ref`, which the room did not store, or may not have stored. */
export interface Unsent {
  readonly id?: string;
  /** Absent: a message. */
  readonly change?: "edit" | "erase";
  readonly text?: string;
  readonly to?: readonly string[];
  readonly ref?: number;
  readonly data?: Data;
  readonly quiet?: boolean;
}

export type OutputItem =
  /** `typed`: it was typed here, and is on the screen already. */
  | {
      readonly type: "entry";
      readonly entry: Entry;
      readonly typed?: boolean;
      /** The message that it refers to. */
      readonly original?: KnownMessage;
    }
  /** `isSeen`: the message came with these contents already. */
  | { readonly type: "patch"; readonly patch: Patch; readonly isSeen?: boolean }
  | {
      readonly type: "welcome";
      readonly room: string;
      readonly name: string;
      readonly online: number;
      readonly peers: readonly string[];
    }
  | {
      readonly type: "presence";
      readonly joined: readonly string[];
      readonly left: readonly string[];
      readonly online: number;
      /** The part that was not shown before, for people. */
      readonly changes: { readonly joined: readonly string[]; readonly left: readonly string[] };
    }
  | { readonly type: "away"; readonly names: readonly string[] }
  | {
      readonly type: "signal";
      readonly from: string;
      readonly to?: readonly string[];
      readonly data: unknown;
    }
  | { readonly type: "gap"; readonly from: number; readonly to: number }
  | ({ readonly type: "refused"; readonly code: string; readonly message: string } & Unsent)
  | ({ readonly type: "unknown" } & Unsent)
  | {
      readonly type: "who";
      readonly peers: readonly { readonly name: string; readonly online: boolean }[];
      readonly next?: string;
    }
  | {
      readonly type: "history";
      readonly messages: readonly Entry[];
      readonly next?: number;
      /** Returns a message that one of these refers to, if it is known. */
      readonly original?: (ref: number) => KnownMessage | undefined;
    }
  | { readonly type: "help" }
  | { readonly type: "error"; readonly message: string }
  | { readonly type: "state"; readonly state: ClientState };

/** Does the item go to standard error in non-interactive mode? */
export const isError = ({ type }: OutputItem): boolean =>
  type === "refused" || type === "unknown" || type === "error";

/** Converts what the client tells of an item of its outbox. */
export const unsent = ({ type, ...item }: OutboxItem): Unsent =>
  type === "message" ? item : { ...item, change: "erase" in item ? "erase" : "edit" };

/** The items that the program shows, as lines for people (render.ts) or as JSON (json.ts). */
import type { Entry, ClientState } from "../../client/index.ts";

export type OutputItem =
  /** `typed`: it was typed here, and is on the screen already. */
  | { readonly type: "entry"; readonly entry: Entry; readonly typed?: boolean }
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
  | {
      readonly type: "refused";
      readonly id?: string;
      readonly text: string;
      readonly to?: readonly string[];
      readonly code: string;
      readonly message: string;
    }
  | {
      readonly type: "unknown";
      readonly id: string;
      readonly text: string;
      readonly to?: readonly string[];
    }
  | {
      readonly type: "who";
      readonly peers: readonly { readonly name: string; readonly online: boolean }[];
      readonly next?: string;
    }
  | { readonly type: "history"; readonly messages: readonly Entry[]; readonly next?: number }
  | { readonly type: "help" }
  | { readonly type: "error"; readonly message: string }
  | { readonly type: "state"; readonly state: ClientState };

/** Does the item go to standard error in non-interactive mode? */
export const isError = ({ type }: OutputItem): boolean =>
  type === "refused" || type === "unknown" || type === "error";

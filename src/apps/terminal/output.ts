/** What the program has to say, whatever form it takes: lines for people (render.ts) or JSON (json.ts). */
import type { Entry, ClientState } from "../../client/index.ts";

/** As the room has it: `redacted` if an operator erased the text. */
export type Said = Entry;

export type OutputItem =
  /** `typed`: here, so that whoever typed it sees it already. */
  | { readonly type: "entry"; readonly entry: Said; readonly typed?: boolean }
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
      /** What of it was not known before, for people. */
      readonly news: { readonly joined: readonly string[]; readonly left: readonly string[] };
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
  | { readonly type: "history"; readonly messages: readonly Said[]; readonly next?: number }
  | { readonly type: "help" }
  | { readonly type: "error"; readonly message: string }
  | { readonly type: "state"; readonly state: ClientState };

/** What is a complaint: it goes to standard error, where there is one. */
export const isComplaint = ({ type }: OutputItem): boolean =>
  type === "refused" || type === "unknown" || type === "error";

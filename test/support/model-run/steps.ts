/** The steps of a model run: each is one action of a person, or one event of the platform. */
import type { Dialect } from "./room-model.ts";
import type { Fault } from "../storage/fault-injection.ts";

export type Signal = "close" | "error";

export type Step = { readonly fault?: Fault | undefined } & (
  | {
      readonly type: "join";
      readonly who: string;
      readonly dialect: Dialect;
      readonly how: How;
      /** The replaced connection fails in the same turn, before or after the join. */
      readonly race?: "before" | "behind" | undefined;
    }
  | { readonly type: "say"; readonly who: string; readonly to: To; readonly count: number }
  | { readonly type: "ack"; readonly who: string; readonly how: "all" | "one" | "again" }
  | { readonly type: "vanish"; readonly who: string }
  | { readonly type: "leave"; readonly who: string }
  | {
      readonly type: "signal";
      readonly who: string;
      readonly which: number;
      readonly signals: Signal[];
      readonly inOneTurn: boolean;
    }
  | { readonly type: "stale"; readonly who: string; readonly which: number }
  | { readonly type: "sleep" | "evict" | "crash" }
  | { readonly type: "pass"; readonly seconds: number }
);
export type How = "resume" | "own cursor" | "from zero" | "overtaken" | "wrong key";
export type To = readonly string[] | "everyone" | "nobody";

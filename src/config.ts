/**
 * What an operator configures, read from the environment and checked as a whole.
 *
 * Invariant: a configuration with a mistake is never half used; it is one sentence that says what to mend.
 */
import type { ChatRoom } from "./chat-room.ts";
import { type Limits, readLimits } from "./core/limits.ts";

export interface Env {
  readonly CHAT_ROOM: DurableObjectNamespace<ChatRoom>;
  /** Raised with every restore from a backup, so that nobody's cursor points into another history. */
  readonly EPOCH?: string | number;
  /** Origins besides the endpoint's own whose pages may connect, separated by spaces or commas. */
  readonly ALLOWED_ORIGINS?: string;
}

export interface Config {
  readonly limits: Limits;
  readonly epoch: string;
  readonly origins: ReadonlySet<string>;
}

const EPOCH = /^[A-Za-z0-9_-]{1,32}$/;

/** @returns the configuration, or one sentence that says which var is wrong and what it may be */
export function readConfig(env: Env): Config | string {
  const limits = readLimits({ ...env });
  if (typeof limits === "string") return limits;
  const epoch = String(env.EPOCH ?? "1");
  if (!EPOCH.test(epoch)) {
    return 'EPOCH must be 1 to 32 of A-Z, a-z, 0-9, "_" and "-": mend it in wrangler.toml';
  }
  const origins = (env.ALLOWED_ORIGINS ?? "").split(/[\s,]+/).filter((part) => part !== "");
  const wrong = origins.find((origin) => URL.parse(origin)?.origin !== origin);
  if (wrong !== undefined) {
    return `ALLOWED_ORIGINS: ${wrong} is not an origin; write it as https://chat.example.com, without a path`;
  }
  return { limits, epoch, origins: new Set(origins) };
}

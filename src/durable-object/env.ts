/** The bindings of wrangler.toml: the rooms, the rate limit, and the vars of the operator. */
import type { Vars } from "../config/config.ts";
import type { ChatRoom } from "./chat-room.ts";

export interface Env extends Vars {
  readonly CHAT_ROOM: DurableObjectNamespace<ChatRoom>;
  /** Counts the upgrades of each address. */
  readonly UPGRADES?: RateLimit;
}

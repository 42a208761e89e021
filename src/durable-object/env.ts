/** What wrangler.toml binds: the rooms, and what the operator configures. */
import type { Vars } from "../config/config.ts";
import type { ChatRoom } from "./chat-room.ts";

export interface Env extends Vars {
  readonly CHAT_ROOM: DurableObjectNamespace<ChatRoom>;
  /** Counts the upgrades of each address. */
  readonly UPGRADES?: RateLimit;
}

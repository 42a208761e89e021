/** The context of the commands: that of the room, and the limits that they are charged to. */
import type { RoomContext } from "../context.ts";
import type { FlowControl } from "../delivery/flow-control.ts";
import type { Proof } from "../delivery/proof.ts";
import type { ReplyBuilder } from "../delivery/pump.ts";
import type { Quota } from "../peers/log-quota.ts";
import type { RateLimiter } from "../peers/token-bucket.ts";

export interface CommandContext extends RoomContext {
  readonly flow: FlowControl;
  readonly proof: Proof;
  readonly rateLimiter: RateLimiter;
  /** Undefined if the operator has set no bound. */
  readonly quota: Quota | undefined;
  readonly buildReply: ReplyBuilder;
  /** Commands refused so far, by this broker. */
  readonly counts: { refusedCommands: number };
}

/**
 * This deployment: the rooms, and the router in front of them. The page, at `/`, is served before it, from the static
 * assets of src/apps/page.
 */
import { env } from "cloudflare:workers";
import { configOf } from "./config/config.ts";
import { ChatRoom } from "./durable-object/chat-room.ts";
import type { Env } from "./durable-object/env.ts";
import { route } from "./http/router.ts";
import { logEvent } from "./observability/logger.ts";

export { ChatRoom };

// A wrong configuration shows in the log when the Worker starts, not only with the first request.
const error = configOf(env as unknown as Env);
if (typeof error === "string") logEvent({ event: "bad-configuration", error });

export default { fetch: route } satisfies ExportedHandler<Env>;

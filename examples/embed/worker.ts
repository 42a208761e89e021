/**
 * A Worker of your own that embeds the room: rooms are at `/chat/rooms/ROOM`, and every other path is your site's.
 *
 * Start it with `npx wrangler dev -c examples/embed/wrangler.toml`, and talk with
 * `npm run chat -- alice --url http://localhost:8787/chat`.
 */
import type { Env } from "../../src/durable-object/env.ts";
import { route } from "../../src/http/router.ts";

export { ChatRoom } from "../../src/durable-object/chat-room.ts";

const MOUNT = "/chat";

export default {
  fetch(request, env) {
    const url = new URL(request.url);
    if (!url.pathname.startsWith(`${MOUNT}/`)) return site(url);
    url.pathname = url.pathname.slice(MOUNT.length);
    return route(new Request(url, request), env);
  },
} satisfies ExportedHandler<Env>;

/** Your own Worker. */
function site(url: URL): Response {
  return new Response(`This is your site's ${url.pathname}; the rooms are under ${MOUNT}.\n`);
}

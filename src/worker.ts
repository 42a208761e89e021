/**
 * The entry: routes an upgrade to its room's object, and refuses everything else with a sentence. The page, at `/`, is
 * served before it, from the static assets of src/page.
 *
 * Invariants:
 * - One `ChatRoom` per normalised room name.
 * - What a browser cannot read is told by a close: refusals after the upgrade are made here, because the runtime ends
 *   TCP properly only for a socket that the Worker itself accepted.
 */
import { env as atStart } from "cloudflare:workers";
import { ChatRoom } from "./chat-room.ts";
import { type Config, configOf, type Env } from "./config.ts";
import type { Closing } from "./core/entrance.ts";
import { NAME_GRAMMAR, parseRoomName, type RoomName } from "./core/names.ts";
import { knocksTooOften, mayConnect, RETRY_AFTER_S } from "./door.ts";
import { decoded, methodNotAllowed, NO_STORE, refuse } from "./http.ts";
import { report } from "./journal.ts";
import { answerOperator } from "./operator/api.ts";
import { dialectOf, joinRequest, readJoin } from "./upgrade.ts";

export { ChatRoom };

// A wrong configuration is told when the Worker starts, not only to the first who connects.
const complaint = configOf(atStart);
if (typeof complaint === "string") report({ event: "bad-configuration", error: complaint });

export default {
  async fetch(request: Request, env: Env): Promise<Response> {
    const config = configOf(env);
    if (typeof config === "string") return refuse(500, "bad-configuration", config);
    const url = new URL(request.url);
    if (url.pathname === "/healthz") return health(request);
    const answer = await answerOperator(request, url, env, config);
    if (answer !== undefined) return answer;
    const room = roomOf(url.pathname);
    if (room === undefined) {
      const where = `there is nothing here: rooms are at /rooms/ROOM, where ${NAME_GRAMMAR}`;
      return refuse(404, "not-found", where);
    }
    return join(request, url, room, config, env);
  },
} satisfies ExportedHandler<Env>;

async function join(
  request: Request,
  url: URL,
  room: RoomName,
  config: Config,
  env: Env,
): Promise<Response> {
  if (request.method !== "GET") {
    return methodNotAllowed(config.adminKey === undefined ? "GET" : "GET, DELETE");
  }
  if (request.headers.get("Upgrade")?.toLowerCase() !== "websocket") {
    const message = `connect with a WebSocket client: wscat -c '${addressOf(url, room)}'`;
    const headers = { Upgrade: "websocket", Connection: "Upgrade" };
    return refuse(426, "upgrade-required", message, headers);
  }
  if (!mayConnect(request.headers.get("Origin"), url, config.origins)) {
    const message =
      "pages of this origin may not connect; the operator can allow it in ALLOWED_ORIGINS";
    report({ event: "refusal", status: 403 }, room);
    return refuse(403, "forbidden-origin", message);
  }
  const offer = dialectOf(request.headers);
  if (offer === undefined) {
    const message = "offer the subprotocol chat.v1 or chat.line, or none, which means chat.line";
    return refuse(400, "bad-subprotocol", message);
  }
  if (await knocksTooOften(request.headers, env.UPGRADES)) {
    const message = `too many upgrades from your address: come back in ${RETRY_AFTER_S} seconds`;
    report({ event: "refusal", status: 429 }, room);
    return refuse(429, "too-many", message, { "Retry-After": String(RETRY_AFTER_S) });
  }
  const { dialect, echo } = offer;
  const wanted = await readJoin(request.headers, url.searchParams, room, dialect, config.tokens);
  if ("code" in wanted) {
    report({ event: "refusal", code: wanted.code }, room);
    return close(wanted, echo ? dialect : undefined);
  }
  try {
    const answer = await env.CHAT_ROOM.getByName(room).fetch(joinRequest(wanted, echo));
    if (answer.status === 101) return answer;
    return close(await answer.json<Closing>(), echo ? dialect : undefined);
  } catch (error) {
    report({ event: "room-unreachable", error: String(error) }, room);
    const reason = "the room cannot be reached now: come back later";
    return close({ code: 4102, reason }, echo ? dialect : undefined);
  }
}

/** `/rooms/{room}`, percent-decoded. */
function roomOf(path: string): RoomName | undefined {
  const encoded = /^\/rooms\/([^/]+)$/.exec(path)?.[1];
  return parseRoomName(decoded(encoded ?? "") ?? "");
}

/** Lets the client in and at once out again, with a code that a browser can read. */
function close({ code, reason }: Closing, protocol: string | undefined): Response {
  const { 0: client, 1: server } = new WebSocketPair();
  server.accept();
  server.close(code, reason);
  const headers: HeadersInit = protocol === undefined ? {} : { "Sec-WebSocket-Protocol": protocol };
  return new Response(null, { status: 101, webSocket: client, headers });
}

const isRead = ({ method }: Request): boolean => method === "GET" || method === "HEAD";

function health(request: Request): Response {
  if (!isRead(request)) return methodNotAllowed("GET, HEAD");
  return Response.json({ status: "ok" }, { headers: NO_STORE });
}

const addressOf = (url: URL, room: string): string =>
  `${url.protocol === "https:" ? "wss" : "ws"}://${url.host}/rooms/${encodeURIComponent(room)}?name=alice`;

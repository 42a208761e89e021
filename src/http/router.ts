/**
 * The router: sends an upgrade to its room's object, and rejects everything else with a sentence. The page, at `/`, is
 * served before it, from the static assets of src/apps/page.
 *
 * Invariants:
 * - One `ChatRoom` per normalised room name.
 * - A browser hides the HTTP response to a handshake from the page. So a handshake is rejected by a close right after the
 *   upgrade, and by HTTP only when the rate limit is exceeded. All these closes are sent here, because the runtime ends TCP
 *   properly only for a socket that the Worker itself accepted.
 * - A handshake is counted by the rate limit before anything else is done for it.
 */
import { type Config, configOf } from "../config/config.ts";
import { CLOSE, type CloseFrame } from "../protocol/close-codes.ts";
import type { Join } from "../core/event.ts";
import { NAME_GRAMMAR, parseRoomName, type RoomName } from "../protocol/ids.ts";
import { isRateLimited, RETRY_AFTER_S } from "./rate-limit.ts";
import { isOriginAllowed, originRefused } from "./origin.ts";
import { decodePathSegment, methodNotAllowed, NO_STORE, errorResponse } from "./responses.ts";
import { logEvent } from "../observability/logger.ts";
import { routeAdmin } from "./admin/routes.ts";
import { BAD_SUBPROTOCOL, type Offer, parseHandshake, parseOffer } from "./handshake.ts";
import { encodeJoin } from "../durable-object/join-request.ts";
import type { Env } from "../durable-object/env.ts";

/** Routes every request to the Worker. */
export async function route(request: Request, env: Env): Promise<Response> {
  const config = configOf(env);
  if (typeof config === "string") return errorResponse(500, "bad-configuration", config);
  const url = new URL(request.url);
  if (url.pathname === "/healthz") return health(request);
  const answer = await routeAdmin(request, url, env, config);
  if (answer !== undefined) return answer;
  const room = parseRoomPath(url.pathname);
  if (isHandshake(request)) return handshake(request, url, room, config, env);
  return plain(request, url, room, config, env);
}

const isHandshake = ({ method, headers }: Request): boolean =>
  method === "GET" && headers.get("Upgrade")?.toLowerCase() === "websocket";

const NO_ROOM = `there is nothing here: rooms are at /rooms/ROOM, where ${NAME_GRAMMAR}`;
const BAD_ROOM: CloseFrame = {
  code: CLOSE.BAD_REQUEST,
  reason: `connect to /rooms/ROOM, where ${NAME_GRAMMAR}`,
};

/** Answers a request that is no handshake. It counts as one, so that a page can read 429, which it cannot in a handshake. */
async function plain(
  request: Request,
  url: URL,
  room: RoomName | undefined,
  config: Config,
  env: Env,
): Promise<Response> {
  if (room === undefined) return errorResponse(404, "not-found", NO_ROOM);
  if (request.method !== "GET") {
    return methodNotAllowed(config.adminKey === undefined ? "GET" : "GET, DELETE");
  }
  if (await isRateLimited(request.headers, env.UPGRADES)) return tooMany(room);
  const message = `connect with a WebSocket client: wscat -c '${webSocketUrl(url, room)}'`;
  return errorResponse(426, "upgrade-required", message, {
    Upgrade: "websocket",
    Connection: "Upgrade",
  });
}

async function handshake(
  request: Request,
  url: URL,
  room: RoomName | undefined,
  config: Config,
  env: Env,
): Promise<Response> {
  const { headers } = request;
  if (await isRateLimited(headers, env.UPGRADES)) return tooMany(room);
  const offer = parseOffer(headers);
  const join = await readHandshake(headers, url, room, offer, config);
  if ("code" in join) {
    logEvent({ event: "refusal", code: join.code }, room);
    return close(join, offer.echo);
  }
  try {
    const stub = env.CHAT_ROOM.getByName(join.room);
    const answer = await stub.fetch(encodeJoin(join, offer.echo !== undefined));
    if (answer.status === 101) return answer;
    return close(await answer.json<CloseFrame>(), offer.echo);
  } catch (error) {
    logEvent({ event: "room-unreachable", error: String(error) }, room);
    const reason = "the room cannot be reached now: come back later";
    return close({ code: CLOSE.UNAVAILABLE, reason }, offer.echo);
  }
}

/** Checks a handshake, in the order of the protocol. */
async function readHandshake(
  headers: Headers,
  url: URL,
  room: RoomName | undefined,
  { dialect }: Offer,
  { origins, tokens }: Config,
): Promise<Join | CloseFrame> {
  if (room === undefined) return BAD_ROOM;
  const origin = headers.get("Origin");
  if (!isOriginAllowed(origin, url, origins)) return originRefused(origin ?? "");
  if (dialect === undefined) return BAD_SUBPROTOCOL;
  return parseHandshake(headers, url.searchParams, room, dialect, tokens);
}

function tooMany(room: RoomName | undefined): Response {
  const message = `too many upgrades from your address: come back in ${RETRY_AFTER_S} seconds`;
  logEvent({ event: "refusal", status: 429 }, room);
  return errorResponse(429, "too-many", message, { "Retry-After": String(RETRY_AFTER_S) });
}

/** `/rooms/{room}`, percent-decoded. */
function parseRoomPath(path: string): RoomName | undefined {
  const encoded = /^\/rooms\/([^/]+)$/.exec(path)?.[1];
  return parseRoomName(decodePathSegment(encoded ?? "") ?? "");
}

/** Accepts the upgrade and closes it at once, with a code that a browser can read. */
function close({ code, reason }: CloseFrame, protocol: string | undefined): Response {
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

const webSocketUrl = (url: URL, room: string): string =>
  `${url.protocol === "https:" ? "wss" : "ws"}://${url.host}/rooms/${encodeURIComponent(room)}?name=alice`;

/**
 * The router: takes an upgrade to its room's object, and refuses everything else with a sentence. The page, at `/`, is
 * served before it, from the static assets of src/apps/page.
 *
 * Invariants:
 * - One `ChatRoom` per normalised room name.
 * - A browser shows a page no HTTP answer to a handshake. So a handshake is refused by a close right after the upgrade,
 *   and by HTTP only when too many come. All these closes are made here, because the runtime ends TCP properly only for
 *   a socket that the Worker itself accepted.
 * - Nothing is done for a handshake before it is counted.
 */
import { type Config, configOf } from "../config/config.ts";
import { CLOSE, type Closing } from "../protocol/close-codes.ts";
import type { Join } from "../core/event.ts";
import { NAME_GRAMMAR, parseRoomName, type RoomName } from "../protocol/ids.ts";
import { knocksTooOften, RETRY_AFTER_S } from "./rate-limit.ts";
import { originRefused } from "./origin.ts";
import { mayConnect } from "./origin.ts";
import { decoded, methodNotAllowed, NO_STORE, refuse } from "./responses.ts";
import { report } from "../observability/logger.ts";
import { answerOperator } from "./admin/routes.ts";
import { BAD_SUBPROTOCOL, type Offer, readJoin, readOffer } from "./handshake.ts";
import { joinRequest } from "../durable-object/join-request.ts";
import type { Env } from "../durable-object/env.ts";

/** Answers whatever comes to the Worker. */
export async function route(request: Request, env: Env): Promise<Response> {
  const config = configOf(env);
  if (typeof config === "string") return refuse(500, "bad-configuration", config);
  const url = new URL(request.url);
  if (url.pathname === "/healthz") return health(request);
  const answer = await answerOperator(request, url, env, config);
  if (answer !== undefined) return answer;
  const room = roomOf(url.pathname);
  if (isHandshake(request)) return handshake(request, url, room, config, env);
  return plain(request, url, room, config, env);
}

const isHandshake = ({ method, headers }: Request): boolean =>
  method === "GET" && headers.get("Upgrade")?.toLowerCase() === "websocket";

const NO_ROOM = `there is nothing here: rooms are at /rooms/ROOM, where ${NAME_GRAMMAR}`;
const BAD_ROOM: Closing = {
  code: CLOSE.BAD_REQUEST,
  reason: `connect to /rooms/ROOM, where ${NAME_GRAMMAR}`,
};

/** What is no handshake. It is counted as one, so that 429 can be read where no answer to a handshake can. */
async function plain(
  request: Request,
  url: URL,
  room: RoomName | undefined,
  config: Config,
  env: Env,
): Promise<Response> {
  if (room === undefined) return refuse(404, "not-found", NO_ROOM);
  if (request.method !== "GET") {
    return methodNotAllowed(config.adminKey === undefined ? "GET" : "GET, DELETE");
  }
  if (await knocksTooOften(request.headers, env.UPGRADES)) return tooMany(room);
  const message = `connect with a WebSocket client: wscat -c '${addressOf(url, room)}'`;
  return refuse(426, "upgrade-required", message, { Upgrade: "websocket", Connection: "Upgrade" });
}

async function handshake(
  request: Request,
  url: URL,
  room: RoomName | undefined,
  config: Config,
  env: Env,
): Promise<Response> {
  const { headers } = request;
  if (await knocksTooOften(headers, env.UPGRADES)) return tooMany(room);
  const offer = readOffer(headers);
  const wanted = await readHandshake(headers, url, room, offer, config);
  if ("code" in wanted) {
    report({ event: "refusal", code: wanted.code }, room);
    return close(wanted, offer.echo);
  }
  try {
    const woken = env.CHAT_ROOM.getByName(wanted.room);
    const answer = await woken.fetch(joinRequest(wanted, offer.echo !== undefined));
    if (answer.status === 101) return answer;
    return close(await answer.json<Closing>(), offer.echo);
  } catch (error) {
    report({ event: "room-unreachable", error: String(error) }, room);
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
): Promise<Join | Closing> {
  if (room === undefined) return BAD_ROOM;
  const origin = headers.get("Origin");
  if (!mayConnect(origin, url, origins)) return originRefused(origin ?? "");
  if (dialect === undefined) return BAD_SUBPROTOCOL;
  return readJoin(headers, url.searchParams, room, dialect, tokens);
}

function tooMany(room: RoomName | undefined): Response {
  const message = `too many upgrades from your address: come back in ${RETRY_AFTER_S} seconds`;
  report({ event: "refusal", status: 429 }, room);
  return refuse(429, "too-many", message, { "Retry-After": String(RETRY_AFTER_S) });
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

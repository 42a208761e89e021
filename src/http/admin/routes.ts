/**
 * The operator's HTTP API, under `/rooms/{room}`. It exists only if the secret ADMIN_KEY is set; docs/openapi.yaml
 * describes it.
 *
 * Invariants:
 * - No body is read, and no room is woken, before the key has been compared, in constant time.
 * - It is not for pages: no CORS header, and a request with a foreign `Origin` is rejected.
 * - A response reports what is stored: the room sends it after the commit.
 */
import type { Config } from "../../config/config.ts";
import { WHO_NAMES } from "../../protocol/limits.ts";
import {
  NAME_GRAMMAR,
  parsePeerName,
  parseRoomName,
  type RoomName,
  type Seq,
} from "../../protocol/ids.ts";
import type { AdminRequest } from "../../protocol/admin.ts";
import { timingSafeEqual } from "../../core/timing-safe-equal.ts";
import {
  badRequest,
  decodePathSegment,
  json,
  methodNotAllowed,
  NO_STORE,
  errorResponse,
} from "../responses.ts";
import { logEvent } from "../../observability/logger.ts";
import { readNumber, readPublication, readSeq, strayParameter } from "./request-body.ts";
import type { AdminResponse } from "../../durable-object/rpc.ts";
import { MIB } from "../../core/limits.ts";
import type { Env } from "../../durable-object/env.ts";

/** Entries in one page of messages: the default, and the most; and their bytes. */
export const MESSAGES_DEFAULT = 100;
export const MESSAGES_MAX = 1_000;
export const MESSAGES_BYTES = MIB;

interface Call {
  readonly request: Request;
  readonly query: URLSearchParams;
  readonly room: RoomName;
  /** The last segment of the path, where that is a parameter. */
  readonly item: string;
  readonly env: Env;
  readonly config: Config;
}

type Handler = (call: Call) => Promise<Response>;

/** The handlers by the path below the room and the method; GET answers HEAD too. */
const ROUTES: Readonly<Record<string, Readonly<Record<string, Handler>>>> = {
  "": { DELETE: close },
  messages: { GET: listMessages, POST: publish },
  "messages/*": { DELETE: eraseMessage },
  peers: { GET: listPeers },
  "peers/*": { DELETE: expel },
  stats: { GET: stats },
  export: { GET: exportAll },
};

/** Routes a request of the operator. @returns undefined if it is none */
export async function routeAdmin(
  request: Request,
  url: URL,
  env: Env,
  config: Config,
): Promise<Response | undefined> {
  if (config.adminKey === undefined) return undefined;
  const [, roomPart, rest = "", itemPart] =
    /^\/rooms\/([^/]+)(?:\/([a-z]+)(?:\/([^/]+))?)?$/.exec(url.pathname) ?? [];
  const room = parseRoomName(decodePathSegment(roomPart ?? "") ?? "");
  const route = itemPart === undefined ? rest : `${rest}/*`;
  // Own properties only: every object inherits a `constructor`.
  const methods = Object.hasOwn(ROUTES, route) ? ROUTES[route] : undefined;
  if (room === undefined || methods === undefined) return undefined;
  const isHead = request.method === "HEAD";
  const handler = Object.hasOwn(methods, request.method)
    ? methods[request.method]
    : isHead
      ? methods["GET"]
      : undefined;
  // A handshake, or any other request for the room itself, is not the operator's.
  if (handler === undefined && rest === "") return undefined;
  if (handler === undefined) {
    const allow = Object.keys(methods).flatMap((method) =>
      method === "GET" ? ["GET", "HEAD"] : [method],
    );
    return methodNotAllowed(allow.join(", "));
  }
  const item = decodePathSegment(itemPart ?? "");
  const refusal = (await refusalOf(request, url, config.adminKey)) ?? badPath(item);
  if (refusal !== undefined) {
    logEvent({ event: "refusal", status: refusal.status }, room);
    return refusal;
  }
  const call = { request, query: url.searchParams, room, item: item ?? "", env, config };
  try {
    const answer = await handler(call);
    return isHead ? new Response(null, answer) : answer;
  } catch (error) {
    logEvent({ event: "room-unreachable", error: String(error) }, room);
    return errorResponse(503, "unreachable", "the room cannot be reached now: try again", RETRY);
  }
}

const RETRY = { "Retry-After": "1" };

const badPath = (item: string | undefined): Response | undefined =>
  item === undefined ? badRequest("the path is not UTF-8") : undefined;

async function refusalOf(
  request: Request,
  url: URL,
  adminKey: string,
): Promise<Response | undefined> {
  const origin = request.headers.get("Origin");
  if (origin !== null && origin !== url.origin) {
    return errorResponse(
      403,
      "forbidden-origin",
      "this is not for pages: send the request from a program, without an Origin",
    );
  }
  const key = /^Bearer +(\S+)$/i.exec(request.headers.get("Authorization") ?? "")?.[1];
  if (key !== undefined && timingSafeEqual(await digest(key), await digest(adminKey)))
    return undefined;
  const message =
    key === undefined ? "send Authorization: Bearer ADMIN_KEY" : "this is not the ADMIN_KEY";
  return errorResponse(401, "unauthorized", message, {
    "WWW-Authenticate": 'Bearer realm="chat-room operator"',
  });
}

/** The digest has one length, so the length of the secret cannot be timed either. */
async function digest(key: string): Promise<string> {
  const bytes = new Uint8Array(
    await crypto.subtle.digest("SHA-256", new TextEncoder().encode(key)),
  );
  return String.fromCharCode(...bytes);
}

const sendRequest = ({ env, room }: Call, request: AdminRequest): Promise<AdminResponse> =>
  env.CHAT_ROOM.getByName(room).operate(room, request);

/** Maps the results that any request may have to an error. */
function refusalFrom(reply: AdminResponse): Response {
  switch (reply.type) {
    case "no-room":
      return errorResponse(
        404,
        "no-room",
        "nobody has joined this room yet, or since it was closed",
      );
    case "unknown":
      return errorResponse(
        404,
        "unknown-peer",
        `nobody here is called ${reply.names.join(", ")}; nothing was done`,
      );
    case "bad-order":
      return badRequest(reply.message);
    case "no-entry":
      return errorResponse(404, "no-entry", "there is no such entry, or it is no longer kept");
    case "void-since": {
      const message = `since: this room keeps the entries ${reply.first} to ${reply.head}, so it cannot say what came after yours; read messages, and give a since from ${reply.first - 1} to ${reply.head}`;
      return errorResponse(409, "void-since", message);
    }
    default:
      return errorResponse(
        503,
        "storage-trouble",
        "the room cannot read or write its storage now: try again",
        RETRY,
      );
  }
}

const done = (reply: AdminResponse): Response =>
  reply.type === "done"
    ? new Response(null, { status: 204, headers: NO_STORE })
    : refusalFrom(reply);

async function publish(call: Call): Promise<Response> {
  const stray = strayParameter(call.query, []);
  if (stray !== undefined) return badRequest(stray);
  const read = await readPublication(call.request, call.config.limits);
  if (read instanceof Response) return read;
  let reply = await sendRequest(call, { type: "Publish", ...read });
  // A long search takes several turns of the room; entries that come meanwhile are searched too.
  while (reply.type === "further") {
    reply = await sendRequest(call, { type: "Publish", ...read, since: reply.since });
  }
  if (reply.type === "no-entry") {
    const message = `ref: ${read.ref} is above the newest entry; refer to an entry that is there`;
    return errorResponse(404, "no-entry", message);
  }
  if (reply.type !== "published") return refusalFrom(reply);
  return json(reply.isNew ? 201 : 200, JSON.parse(reply.frame));
}

async function listMessages(call: Call): Promise<Response> {
  const { query, room } = call;
  const since = readNumber(query.get("since"), 0);
  const limit = readNumber(query.get("limit"), MESSAGES_DEFAULT);
  const stray = strayParameter(query, ["since", "limit"]);
  if (stray !== undefined) return badRequest(stray);
  if (since === undefined) return badRequest("since: expected a whole number, 0 or a seq");
  if (limit === undefined || limit < 1 || limit > MESSAGES_MAX) {
    return badRequest(`limit: expected a whole number from 1 to ${MESSAGES_MAX}`);
  }
  logEvent({ event: "operator", order: "Messages" }, room);
  const reply = await sendRequest(call, {
    type: "Messages",
    since: since as Seq,
    limit,
    bytes: MESSAGES_BYTES,
  });
  if (reply.type !== "messages") return refusalFrom(reply);
  const { frames, end, first, head } = reply;
  return json(200, {
    messages: frames.map((frame) => JSON.parse(frame) as unknown),
    first,
    head,
    ...(since + 1 < first && { gap: { from: since + 1, to: first - 1 } }),
    ...(end < head && { next: end }),
  });
}

async function eraseMessage(call: Call): Promise<Response> {
  const seq = readSeq(call.item);
  const stray = strayParameter(call.query, []);
  if (stray !== undefined) return badRequest(stray);
  if (seq === undefined) return badRequest("seq: expected a whole number from 0 on");
  return done(await sendRequest(call, { type: "EraseEntry", seq }));
}

async function listPeers(call: Call): Promise<Response> {
  const { query } = call;
  const limit = readNumber(query.get("limit"), WHO_NAMES);
  const stray = strayParameter(query, ["after", "limit"]);
  if (stray !== undefined) return badRequest(stray);
  if (limit === undefined || limit < 1 || limit > WHO_NAMES) {
    return badRequest(`limit: expected a whole number from 1 to ${WHO_NAMES}`);
  }
  const reply = await sendRequest(call, { type: "Names", after: query.get("after") ?? "", limit });
  if (reply.type !== "names") return refusalFrom(reply);
  return json(200, { peers: reply.names, ...(reply.next !== undefined && { next: reply.next }) });
}

async function expel(call: Call): Promise<Response> {
  const name = parsePeerName(call.item);
  const stray = strayParameter(call.query, []);
  if (stray !== undefined) return badRequest(stray);
  if (name === undefined) return badRequest(`name: ${NAME_GRAMMAR}`);
  return done(await sendRequest(call, { type: "Expel", name }));
}

async function close(call: Call): Promise<Response> {
  const stray = strayParameter(call.query, []);
  if (stray !== undefined) return badRequest(stray);
  return done(await sendRequest(call, { type: "Erase" }));
}

async function stats(call: Call): Promise<Response> {
  const stray = strayParameter(call.query, []);
  if (stray !== undefined) return badRequest(stray);
  const reply = await sendRequest(call, { type: "Stats" });
  if (reply.type !== "stats") return refusalFrom(reply);
  const { facts, epoch, instance } = reply;
  const { peers, log, waiting, refusals } = facts;
  return json(200, {
    room: call.room,
    epoch,
    peers,
    log,
    waiting,
    instance: { ...instance, refusals },
  });
}

async function exportAll(call: Call): Promise<Response> {
  const stray = strayParameter(call.query, []);
  if (stray !== undefined) return badRequest(stray);
  const { env, room, request } = call;
  const stub = env.CHAT_ROOM.getByName(room);
  const headers = {
    "Content-Type": "application/x-ndjson",
    "Content-Disposition": `attachment; filename*=UTF-8''${encodeURIComponent(room)}.ndjson`,
    ...NO_STORE,
  };
  if (request.method === "HEAD") {
    const reply = await sendRequest(call, {
      type: "Messages",
      since: 0 as Seq,
      limit: 0,
      bytes: 0,
    });
    return reply.type === "messages" ? new Response(null, { headers }) : refusalFrom(reply);
  }
  logEvent({ event: "operator", order: "Export" }, room);
  const exported = await stub.export(room);
  return exported instanceof ReadableStream
    ? new Response(exported, { headers })
    : refusalFrom(exported);
}

/**
 * The options of a client, checked once, and the address that it connects to.
 *
 * Invariant: a secret is never part of the address.
 */
import { NAME_GRAMMAR, parsePeerName, parseRoomName } from "../protocol/ids.ts";
import { readEndpoint, roomAddress } from "./endpoint.ts";
import { BadOptionError } from "./errors.ts";
import { type ClientRecord, type ClientStorage, memoryStorage } from "./storage/storage.ts";

export interface ChatClientOptions {
  /**
   * The endpoint: `https://chat.example.com`, `wss:`, `http:` or `ws:` too. A path goes before `/rooms`; no query, no
   * hash. Without a scheme `localhost:8787`, and any loopback address, is `http:`, any other host `https:`.
   */
  readonly url: string | URL;
  readonly room: string;
  readonly name: string;
  /** The secret that owns the name; a function is called before each connect. None: the name is anyone's. */
  readonly key?: string | (() => string | Promise<string>);
  /** The storage of cursor and outbox. Default: memory. */
  readonly storage?: ClientStorage;
  /**
   * The position to go back to, once: 0 is everything that still concerns this name. Another position needs the epoch of
   * the storage, and is ignored without it, or above the stored cursor. Default: the stored cursor, else the room's own.
   */
  readonly since?: number;
  /** How many messages may wait; from 1 on, default 1,000. */
  readonly outboxLimit?: number;
}

export interface Settings {
  readonly base: URL;
  readonly room: string;
  readonly name: string;
  readonly key: () => string | Promise<string>;
  readonly hasFreshKeys: boolean;
  readonly storage: ClientStorage;
  readonly since: number | undefined;
  readonly outboxLimit: number;
}

/** @throws BadOptionError that names the option, and what it may be */
export function readOptions(options: ChatClientOptions): Settings {
  const { key = "", storage = memoryStorage(), since, outboxLimit = 1_000 } = options;
  const base = readEndpoint(options.url === undefined ? "" : String(options.url));
  if (typeof base === "string") throw new BadOptionError(`url: ${base}`);
  const room = parseRoomName(options.room);
  if (room === undefined) throw new BadOptionError(`room: ${NAME_GRAMMAR}`);
  const name = parsePeerName(options.name);
  if (name === undefined) throw new BadOptionError(`name: ${NAME_GRAMMAR}`);
  if (since !== undefined && !(Number.isSafeInteger(since) && since >= 0)) {
    throw new BadOptionError("since: expected a whole number from 0 on");
  }
  if (!(Number.isSafeInteger(outboxLimit) && outboxLimit >= 1)) {
    throw new BadOptionError("outboxLimit: expected a whole number from 1 on");
  }
  base.protocol = base.protocol.replace("http", "ws");
  const hasFreshKeys = typeof key === "function";
  const ask = typeof key === "function" ? key : () => key;
  return { base, room, name, key: ask, hasFreshKeys, storage, since, outboxLimit };
}

/** Returns the address to connect to, with the position to begin at. */
export function addressOf(
  { base, room, name }: Settings,
  { session, attempt, cursor, epoch }: ClientRecord,
  since: number | undefined,
): URL {
  const url = roomAddress(base, room);
  url.searchParams.set("name", name);
  // A later position would skip confirmations of sent messages.
  const from =
    since === undefined || cursor === undefined ? (since ?? cursor) : Math.min(since, cursor);
  if (from !== undefined && epoch !== undefined) {
    url.searchParams.set("since", String(from));
    url.searchParams.set("epoch", epoch);
  } else if (since === 0) url.searchParams.set("since", "0");
  url.searchParams.set("session", session);
  url.searchParams.set("attempt", String(attempt));
  return url;
}

/** Returns the subprotocols to offer: browsers can send a key in no other way. */
export function protocolsOf(key: string): string[] {
  if (key === "") return ["chat.v1"];
  const binary = String.fromCharCode(...new TextEncoder().encode(key));
  const encoded = btoa(binary).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
  return ["chat.v1", `key.${encoded}`];
}

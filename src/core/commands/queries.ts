/**
 * Replies to a peer: pages of its history, of the names here, and errors.
 *
 * Invariants:
 * - R8: a page shows entries that concern the peer since its birth, and entries for everyone; nothing else, ever.
 * - Pages end: `next` falls (history) or rises (who) with each.
 */
import type { Entry } from "../entry.ts";
import type { PendingReply, ServerMessage } from "../event.ts";
import { WHO_NAMES } from "../../protocol/limits.ts";
import { type Seq, addSeq, utf8Length } from "../../protocol/ids.ts";
import { mayRead, type Peer } from "../peers/peers.ts";
import type { Presence } from "../peers/presence.ts";
import type { Pump } from "../delivery/pump.ts";
import type { Directory, Log } from "../ports.ts";
import { FRAME_OVERHEAD } from "../delivery/turn-output.ts";
import { KIB } from "../limits.ts";

/** Bytes of entries in one page of `history`; one entry may always go. */
export const HISTORY_BYTES = 64 * KIB;

export class Replies {
  readonly #log: Log;
  readonly #directory: Directory;
  readonly #presence: Presence;
  readonly #pump: Pump;

  constructor(log: Log, directory: Directory, presence: Presence, pump: Pump) {
    this.#log = log;
    this.#directory = directory;
    this.#presence = presence;
    this.#pump = pump;
  }

  /** Builds a reply. @returns the message, and about how many bytes it is, including bytes read for it */
  build(peer: Peer, reply: PendingReply): readonly [ServerMessage, number] {
    switch (reply.type) {
      case "History":
        return this.#history(peer, reply);
      case "Who":
        return this.#who(reply);
      case "missed": {
        const { online } = this.#presence;
        return [{ type: "presence", joined: [], left: [], online, missed: true }, FRAME_OVERHEAD];
      }
      case "error":
        return [reply, FRAME_OVERHEAD + utf8Length(reply.refusal.message)];
      case "away":
        return [reply, FRAME_OVERHEAD + utf8Length(reply.names.join())];
      case "help":
        return [reply, FRAME_OVERHEAD];
      default:
        return reply satisfies never;
    }
  }

  #history(
    peer: Peer,
    { id, before, limit }: Extract<PendingReply, { type: "History" }>,
  ): readonly [ServerMessage, number] {
    const top = addSeq(this.#pump.sentOf(peer), 1);
    const from = before === undefined || before > top ? top : before;
    const scan = this.#log.before(from, peer.link.name);
    const page: Entry[] = [];
    let bytes = 0;
    let next: Seq | undefined;
    for (const entry of scan.entries) {
      // Messages are folded: a page shows what their patches have made of them.
      if (entry.type === "patch" || !mayRead(peer, entry)) continue;
      if (page.length === limit || (page.length > 0 && bytes + entry.bytes > HISTORY_BYTES)) {
        next = addSeq(entry.seq, 1);
        break;
      }
      page.push(entry);
      bytes += entry.bytes + 1;
    }
    next ??= scan.end > this.#log.first ? scan.end : undefined;
    page.reverse();
    // Bytes read count too: a page for which much was read may be empty.
    return [{ type: "history", id, entries: page, next }, FRAME_OVERHEAD + bytes + scan.bytes];
  }

  #who({ id, after }: Extract<PendingReply, { type: "Who" }>): readonly [ServerMessage, number] {
    const names = this.#directory.page(after ?? "", WHO_NAMES + 1);
    const page = names.slice(0, WHO_NAMES);
    const peers = page.map((name) => ({ name, online: this.#presence.isOnline(name) }));
    const next = names.length > WHO_NAMES ? page.at(-1) : undefined;
    const bytes = names.reduce((sum, name) => sum + utf8Length(name) + 30, FRAME_OVERHEAD);
    return [{ type: "who", id, peers, next }, bytes];
  }
}

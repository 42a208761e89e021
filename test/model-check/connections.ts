/**
 * The room's sockets during one turn: gathers what the broker does to them, and looks at each thing as it leaves.
 */
import type { ServerMessage } from "../../src/core/event.ts";
import type { ConnectionId, PeerName } from "../../src/protocol/ids.ts";
import type { Connections } from "../../src/core/ports.ts";
import type { ConnectionSnapshot } from "../../src/core/ports.ts";
import type { MemoryStorage } from "../support/storage/memory-storage.ts";
import { Violation } from "./explorer.ts";
import { mayLeave, wasHanded } from "./invariants.ts";
import {
  type Client,
  type Down,
  isInInbox,
  type ModelConnection,
  type Room,
  type State,
} from "./state.ts";

export class RecordingConnections implements Connections {
  storage: MemoryStorage;
  readonly #world: State;
  readonly #links = new Map<ConnectionId, ModelConnection>();
  readonly #clients: Client[];
  readonly #dying: ReadonlySet<ConnectionId>;
  /** The codes that the room closed connections with. */
  readonly closed = new Map<ConnectionId, number>();
  readonly sent = new Map<ConnectionId, readonly ServerMessage[]>();

  constructor(world: State, storage: MemoryStorage) {
    this.#world = world;
    this.storage = storage;
    this.#clients = [...world.clients];
    for (const link of world.links) if (link.id !== undefined) this.#links.set(link.id.id, link);
    const gone = world.room.inbox.flatMap((item) => (item.type === "gone" ? [item.link.id] : []));
    this.#dying = new Set(gone);
  }

  /** What the sockets remember that are not over. */
  get memos(): ConnectionSnapshot[] {
    return [...this.#links.values()].flatMap(({ isListed, isOver, memo }) =>
      isListed && !isOver && memo ? [memo] : [],
    );
  }

  open(memo: ConnectionSnapshot): void {
    mayLeave({ type: "open", memo }, memo, this.storage, this.#world.ledger);
    this.#change(memo.link.id, { memo, isListed: true });
  }

  /** Is what is sent to it handed to it? The runtime may know that its link is dead. */
  takes(id: ConnectionId): boolean {
    return this.#links.get(id)?.isDying !== true && !this.#dying.has(id);
  }

  saveSnapshot(memo: ConnectionSnapshot): void {
    this.#change(memo.link.id, { memo });
  }

  send(id: ConnectionId, outs: readonly ServerMessage[]): number | undefined {
    const link = this.#links.get(id);
    if (link?.memo === undefined || !link.isListed || link.isOver) return undefined;
    if (!this.takes(id)) return undefined;
    for (const out of outs) mayLeave(out, link.memo, this.storage, this.#world.ledger);
    this.sent.set(id, [...(this.sent.get(id) ?? []), ...outs]);
    // It comes again only with a position that none of these logs reaches.
    const isReady = outs.some(({ type }) => type === "ready");
    if (isReady && link.isReady) throw new Violation("R6", `${link.label} is told ready twice`);
    const client = this.#clients[link.client];
    if (client?.dialect === "chat.line") {
      this.#clients[link.client] = wasHanded(client, outs, link.memo, this.#ledger);
    }
    const view = this.#world.scope.watchesPresence ? viewed(link.view, outs) : [];
    const heard = outs.filter((out) => isHeard(out, link.memo?.dialect));
    const down: Down[] = heard.length === 0 ? [] : [{ outs: heard }];
    const told = { view, isReady: isReady || link.isReady };
    this.#change(id, { ...told, ...(!link.isBroken && { down: [...link.down, ...down] }) });
    return 100 * outs.length;
  }

  close(id: ConnectionId, code: number): void {
    const link = this.#links.get(id);
    if (link === undefined) return;
    if (link.isOver) throw new Violation("R2", `${link.label} is closed twice`);
    this.closed.set(id, code);
    const isTold = link.isHeld && !link.isBroken;
    const down = isTold ? [...link.down, { close: code }] : link.down;
    this.#change(id, { isOver: true, down });
  }

  /** Another one each time. */
  token(id: ConnectionId): string {
    const marks = (this.#links.get(id)?.marks ?? 0) + 1;
    this.#change(id, { marks });
    return `m${marks}`;
  }

  /** Nobody was seen to ping: links are judged by their acks. */
  pinged(): undefined {
    return undefined;
  }

  /** The end of this connection was dealt with. */
  released(id: ConnectionId): void {
    this.#change(id, { isListed: false });
  }

  /** The world after the turn. */
  world(room: Room): State {
    const ended = (link: ModelConnection): boolean =>
      !link.isHeld &&
      !link.isListed &&
      link.id !== undefined &&
      !isInInbox(room, link) &&
      link.up.every((up) => !("gone" in up) || link.memo === undefined);
    const links = this.#world.links
      .map((link) => (link.id && this.#links.get(link.id.id)) ?? link)
      .filter((link) => !ended(link));
    return { ...this.#world, room, links, clients: this.#clients, ledger: this.#ledger };
  }

  get #ledger(): State["ledger"] {
    const { ledger } = this.#world;
    const fresh = this.storage.log.after((ledger.at(-1)?.seq ?? 0) as never).entries;
    return [...ledger, ...fresh];
  }

  #change(id: ConnectionId, change: Partial<ModelConnection>): void {
    const link = this.#links.get(id);
    if (link !== undefined) this.#links.set(id, { ...link, ...change });
  }
}

/** A client's state does not depend on the rest; of what a line says nothing but the greeting matters here. */
const isHeard = (
  { type }: ServerMessage,
  dialect: ConnectionSnapshot["dialect"] | undefined,
): boolean =>
  dialect === "chat.line"
    ? type === "welcome"
    : ["welcome", "gap", "entries", "ready", "error", "mark"].includes(type);

/** Who is online, by what was told. */
function viewed(view: readonly PeerName[], outs: readonly ServerMessage[]): readonly PeerName[] {
  let names = view;
  for (const out of outs) {
    if (out.type === "welcome") names = out.peers;
    else if (out.type === "presence") {
      const { joined, left } = out;
      names = [...new Set([...names, ...joined])].filter((name) => !left.includes(name));
    }
  }
  return names.toSorted();
}

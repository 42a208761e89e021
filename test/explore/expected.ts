/**
 * What one turn must do, said a second time and more simply: from the events in arrival order, who is connected after
 * it, which messages it stores and which it turns down. Compared with what the broker did.
 */
import type { Event } from "../../src/core/event.ts";
import type { ConnectionId, PeerName } from "../../src/core/names.ts";
import type { BrokerState } from "../../src/core/state.ts";
import type { MemoryStorage } from "../support/memory-storage.ts";
import { Violation } from "./explorer.ts";
import type { Sockets } from "./sockets.ts";
import type { World } from "./world.ts";

interface Current {
  readonly id: ConnectionId;
  readonly token: string | undefined;
  readonly attempt: number;
}

export class Expected {
  readonly #storage: MemoryStorage;
  readonly #names: number;
  readonly #before: ReadonlyMap<PeerName, Current>;
  readonly #current: Map<PeerName, Current>;
  readonly #stored: string[] = [];
  readonly #refused: { readonly label: string; readonly id: ConnectionId }[] = [];
  readonly #replaced: ConnectionId[] = [];

  constructor(world: World, state: BrokerState, storage: MemoryStorage) {
    this.#storage = storage;
    this.#names = world.limits.names;
    const current = [...state.peers.values()].map(({ link, session }) => {
      const { token, attempt = 0 } = session ?? {};
      return [link.name, { id: link.id, token, attempt }] as const;
    });
    this.#before = new Map(current);
    this.#current = new Map(current);
  }

  /** The broker is about to take this event. */
  hears(event: Event): void {
    if (event.type === "Disconnect" && this.#isCurrent(event.link)) {
      this.#current.delete(event.link.name);
    }
    if (event.type !== "Said" || event.command.type !== "Message") return;
    if (!this.#isCurrent(event.link)) return;
    const { text, to = [] } = event.command;
    if (to.every((name) => this.#isKnown(name))) this.#stored.push(text);
    else this.#refused.push({ label: text, id: event.link.id });
  }

  /** The broker has let this connection in, or not. */
  decides({ id, join }: Extract<Event, { type: "NewPeer" }>, isAdmitted: boolean): void {
    const rival = this.#current.get(join.name);
    const { token, attempt = 0 } = join.session ?? {};
    const isOvertaken = token !== undefined && rival?.token === token && attempt <= rival.attempt;
    if (isAdmitted === isOvertaken && (isAdmitted || !this.#isFull(join.name))) {
      const what = isAdmitted ? "an overtaken handshake won" : "a newer handshake was refused";
      throw new Violation("R1", `${what}: ${join.name}`);
    }
    if (!isAdmitted) return;
    if (rival !== undefined) this.#replaced.push(rival.id);
    this.#current.set(join.name, { id, token, attempt });
  }

  /** @returns the world after the turn. @throws Violation */
  compare(before: World, after: World, sockets: Sockets, failed: boolean): World {
    if (failed) {
      this.#comparePeers(this.#removedOf(before), after, sockets);
      return after;
    }
    const fresh = after.ledger.slice(before.ledger.length).map(({ text }) => text);
    if (fresh.join() !== this.#stored.join()) {
      const [wanted, got] = [this.#stored, fresh].map((labels) => labels.join(" ") || "nothing");
      throw new Violation("R2, R4", `${got} was stored where ${wanted} was said`);
    }
    this.#comparePeers(this.#current, after, sockets);
    this.#lettingGo(before, sockets);
    for (const id of this.#replaced) {
      if (sockets.closed.get(id) !== 4001) throw new Violation("R6", "the replaced was not told");
    }
    for (const { label, id } of this.#refused) this.#isTold(label, id, after, sockets);
    if (this.#refused.length === 0) return after;
    const labels = this.#refused.map(({ label }) => label);
    return { ...after, refused: new Set([...after.refused, ...labels]) };
  }

  /** R1, R2: the peers are the current connections, and so are the sockets that are not over. */
  #comparePeers(wanted: ReadonlyMap<PeerName, Current>, after: World, sockets: Sockets): void {
    const peers = [...(after.room.state?.peers.values() ?? [])].map(({ link }) => link.id);
    // The room itself may end a link, for what it fails to acknowledge.
    const ids = [...wanted.values()]
      .map(({ id }) => id)
      .filter((id) => sockets.closed.get(id) !== 4201);
    const listed = after.links.flatMap(({ id, isListed, isOver }) =>
      id && isListed && !isOver ? [id.id] : [],
    );
    const text = (list: string[]): string => list.toSorted().join();
    if (text(peers) !== text(ids)) {
      throw new Violation("R1, R2", `the peers are ${text(peers)}, not ${text(ids)}`);
    }
    if (text(peers) !== text(listed)) {
      throw new Violation("R2", `the peers are ${text(peers)}, the open sockets ${text(listed)}`);
    }
  }

  /** R11: unless its frames are held up, a link that is whole is never given up for what it fails to acknowledge. */
  #lettingGo({ links, scope }: World, { closed }: Sockets): void {
    if (scope.disturbances.delays !== undefined) return;
    for (const { id, label, isListed, isHeld, isBroken } of links) {
      if (id === undefined || closed.get(id.id) !== 4201) continue;
      if (isListed && isHeld && !isBroken)
        throw new Violation("R11", `${label} is let go, and is whole`);
    }
  }

  /** Who was there before a turn that failed, and had no part in it. */
  #removedOf({ room }: World): Map<PeerName, Current> {
    const left = new Map(this.#before);
    for (const item of room.inbox) {
      if (item.type === "tick") continue;
      if (left.get(item.link.name)?.id === item.link.id) left.delete(item.link.name);
    }
    return left;
  }

  #isTold(label: string, id: ConnectionId, { room }: World, sockets: Sockets): void {
    const isHere = [...this.#current.values()].some((current) => current.id === id);
    const isGone = room.state === undefined || sockets.closed.has(id);
    if (!isHere || isGone) return;
    if (!sockets.sent.get(id)?.some(({ type }) => type === "error")) {
      throw new Violation("R6", `${label} was refused, and nobody was told`);
    }
  }

  #isCurrent({ name, id }: { readonly name: PeerName; readonly id: ConnectionId }): boolean {
    return this.#current.get(name)?.id === id;
  }

  #isKnown(name: PeerName): boolean {
    return this.#current.has(name) || this.#storage.directory.find(name) !== undefined;
  }

  #isFull(name: PeerName): boolean {
    const { directory } = this.#storage;
    return directory.find(name) === undefined && directory.count() >= this.#names;
  }
}

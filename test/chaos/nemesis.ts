/**
 * Plays a plan: the troubles of each member, and of the server.
 *
 * Invariants:
 * - Once it was ended, nothing of it happens any more, and everyone whom it took away has been brought back.
 * - The server is killed when it is up, and started when it is down: it never runs twice on one storage.
 */
import { setTimeout as pause } from "node:timers/promises";
import type { Server } from "../support/server/server.ts";
import type { Member } from "./member.ts";
import { Page } from "./network.ts";
import type { Scheduled, Disturbance } from "./schedule.ts";
import type { FaultProxy } from "./fault-proxy.ts";

/** How long a handshake is held that is to be overtaken, and how long one is waited for that is to be held. */
const HELD_MS = 60_000;
const KNOCKING_MS = 400;
/** How long the link of an overtaken handshake stays. */
const LATE_LINK_MS = 1_500;
/** How long the last blow waits for somebody to come back, and how long a ghost stays then, and its end takes. */
const ARRIVAL_MS = 5_000;
const LAST_GHOST_MS = 300;

/** What a storm does to a server. */
type Victim = Pick<Server, "killNine" | "restart">;

export class Nemesis {
  readonly #members: ReadonlyMap<string, Member>;
  readonly #server: Victim | undefined;
  readonly #speaks: (member: Member) => void;
  readonly #timers = new Set<NodeJS.Timeout>();
  readonly #works: Promise<void>[] = [];
  /** One kill and start after another: on a busy machine a start can take longer than the plan has between two kills. */
  #kills: Promise<void> = Promise.resolve();
  #isOver = false;
  /** How often each kind of trouble happened. */
  readonly counts = new Map<Disturbance["type"], number>();
  /** While it is hushed, nobody talks. */
  isHushed = false;

  /** @param speaks makes a member say something */
  constructor(
    members: readonly Member[],
    server: Victim | undefined,
    speaks: (member: Member) => void,
  ) {
    this.#speaks = speaks;
    this.#members = new Map(members.map((member) => [member.name, member]));
    this.#server = server;
  }

  begins(plan: readonly Scheduled[]): void {
    for (const { at, who, trouble } of plan) {
      this.#later(at, () => {
        const member = who === undefined ? undefined : this.#members.get(who);
        this.counts.set(trouble.type, (this.counts.get(trouble.type) ?? 0) + 1);
        return this.#strikes(trouble, member);
      });
    }
  }

  /** @throws what went wrong with the troubles themselves: the server did not start again, for instance */
  async ends(): Promise<void> {
    this.#isOver = true;
    for (const timer of this.#timers) clearTimeout(timer);
    this.isHushed = false;
    await Promise.all(this.#works);
    await Promise.all(Array.from(this.#members.values(), (member) => member.comes()));
    for (const member of this.#members.values()) member.heals();
    await Promise.all(Array.from(this.#members.values(), (member) => this.#lastBlow(member)));
    Page.comesBack();
  }

  /**
   * R2, where nothing comes after it that would heal it by chance: everyone dies with words on the way and comes back,
   * and only then the room gets the words, and learns of the death.
   */
  async #lastBlow(member: Member): Promise<void> {
    let ghost: FaultProxy | undefined;
    member.road?.shuts(["up"]);
    this.#speaks(member);
    await pause(LAST_GHOST_MS);
    await member.dies((left) => (ghost = left));
    await member.comes();
    await Promise.race([
      new Promise<void>((resolve) => member.road?.onArrival(resolve)),
      pause(ARRIVAL_MS),
    ]);
    await pause(LAST_GHOST_MS);
    ghost?.opens();
    await pause(LAST_GHOST_MS);
    ghost?.resets();
    await pause(LAST_GHOST_MS);
  }

  async #strikes(trouble: Disturbance, member: Member | undefined): Promise<void> {
    const road = member?.road;
    switch (trouble.type) {
      case "cut":
        return road?.cuts(trouble);
      case "hole":
        road?.shuts(trouble.ways);
        road?.after(trouble.ms, () => (trouble.end === "passes" ? road.opens() : road.resets()));
        return;
      case "lag":
        road?.lags(trouble.lagMs);
        road?.after(trouble.ms, () => road.lags(0));
        return;
      case "hold":
        return road?.holdsNext(trouble.ms);
      case "crash":
        return member && this.#crash(member, trouble.awayMs, trouble.ghostMs);
      case "late words":
        road?.shuts(["up"]);
        return this.#later(
          trouble.heldMs,
          () => member && this.#lateWords(member, trouble.ghostMs),
        );
      case "overtaken":
        return member && this.#overtake(member, trouble.lateMs);
      case "leave":
        await member?.leaves();
        return this.#later(trouble.awayMs, () => member?.comes());
      case "awake":
        return Page.comesBack();
      case "kill":
        this.#kills = this.#kills.then(() => this.#kill(trouble.downMs));
        return this.#kills;
      case "hush":
        this.isHushed = true;
        return this.#later(trouble.ms, () => {
          this.isHushed = false;
        });
      default:
        return trouble satisfies never;
    }
  }

  async #kill(downMs: number): Promise<void> {
    await this.#server?.killNine();
    await pause(downMs);
    await this.#server?.restart();
  }

  async #crash(member: Member, awayMs: number, ghostMs: number): Promise<void> {
    let ghost: FaultProxy | undefined;
    await member.dies((road) => (ghost = road));
    this.#later(awayMs, async () => {
      await member.comes();
      member.road?.onArrival(() => ghost?.after(ghostMs, () => ghost?.resets()));
    });
  }

  async #lateWords(member: Member, ghostMs: number): Promise<void> {
    let ghost: FaultProxy | undefined;
    await member.dies((left) => (ghost = left));
    await member.comes();
    member.road?.onArrival(() => {
      ghost?.after(ghostMs, () => ghost?.opens());
      ghost?.after(ghostMs + LATE_LINK_MS, () => ghost?.resets());
    });
  }

  async #overtake(member: Member, lateMs: number): Promise<void> {
    const { road } = member;
    road?.holdsNext(HELD_MS);
    road?.resets();
    this.#later(KNOCKING_MS, async () => {
      let ghost: FaultProxy | undefined;
      await member.dies((left) => (ghost = left));
      await member.comes();
      member.road?.onArrival(() => {
        ghost?.after(lateMs, () => ghost?.opens());
        ghost?.after(lateMs + LATE_LINK_MS, () => ghost?.resets());
      });
    });
  }

  #later(ms: number, work: () => Promise<void> | void | undefined): void {
    if (this.#isOver) return;
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      const working = Promise.resolve(work());
      this.#works.push(working);
      // Thrown when the storm ends.
      working.catch(() => {});
    }, ms);
    this.#timers.add(timer);
  }
}

/**
 * Runs a schedule of disturbances for each member and for the server.
 *
 * Invariants:
 * - After `stop`, no disturbance starts, and every member that was away is back.
 * - The server is killed only when it is up, and started only when it is down: it never runs twice on one storage.
 */
import { setTimeout as pause } from "node:timers/promises";
import type { Server } from "../support/server/server.ts";
import type { Member } from "./member.ts";
import { Page } from "./network.ts";
import type { Scheduled, Disturbance } from "./schedule.ts";
import type { FaultProxy } from "../support/proxy/fault-proxy.ts";

/** How long a handshake is held so that another overtakes it, and how long to wait for a handshake to hold. */
const HELD_MS = 60_000;
const HANDSHAKE_MS = 400;
/** How long the connection of an overtaken handshake stays open. */
const LATE_CONNECTION_MS = 1_500;
/** Longest wait of the final crash for the returning handshake, and the time between its steps. */
const ARRIVAL_MS = 5_000;
const FINAL_STEP_MS = 300;

/** The faults that the nemesis injects into a server. */
type ServerControl = Pick<Server, "killNine" | "restart">;

export class Nemesis {
  readonly #members: ReadonlyMap<string, Member>;
  readonly #server: ServerControl | undefined;
  readonly #sendFrom: (member: Member) => void;
  readonly #timers = new Set<NodeJS.Timeout>();
  readonly #running: Promise<void>[] = [];
  /** Kills run one after another: on a busy machine, a start can take longer than the time between two kills. */
  #kills: Promise<void> = Promise.resolve();
  #isOver = false;
  /** Number of disturbances so far, by type. */
  readonly counts = new Map<Disturbance["type"], number>();
  /** While true, no client sends anything. */
  isQuiesced = false;

  /** @param sendFrom makes a member send a message */
  constructor(
    members: readonly Member[],
    server: ServerControl | undefined,
    sendFrom: (member: Member) => void,
  ) {
    this.#sendFrom = sendFrom;
    this.#members = new Map(members.map((member) => [member.name, member]));
    this.#server = server;
  }

  start(schedule: readonly Scheduled[]): void {
    for (const { at, who, disturbance } of schedule) {
      this.#later(at, () => {
        const member = who === undefined ? undefined : this.#members.get(who);
        this.counts.set(disturbance.type, (this.counts.get(disturbance.type) ?? 0) + 1);
        return this.#apply(disturbance, member);
      });
    }
  }

  /** @throws an error of the disturbances themselves, for instance that the server did not start again */
  async stop(): Promise<void> {
    this.#isOver = true;
    for (const timer of this.#timers) clearTimeout(timer);
    this.isQuiesced = false;
    await Promise.all(this.#running);
    await Promise.all(Array.from(this.#members.values(), (member) => member.joins()));
    for (const member of this.#members.values()) member.heals();
    await Promise.all(Array.from(this.#members.values(), (member) => this.#finalCrash(member)));
    Page.fireOnline();
  }

  /**
   * Checks R2 where no later event could repair a violation: each member dies with frames in transit and returns; only
   * then does the room receive those frames, and then the end of the old connection.
   */
  async #finalCrash(member: Member): Promise<void> {
    let halfOpen: FaultProxy | undefined;
    member.proxy?.block(["up"]);
    this.#sendFrom(member);
    await pause(FINAL_STEP_MS);
    await member.crashes((left) => (halfOpen = left));
    await member.joins();
    await Promise.race([
      new Promise<void>((resolve) => member.proxy?.onHandshake(resolve)),
      pause(ARRIVAL_MS),
    ]);
    await pause(FINAL_STEP_MS);
    halfOpen?.unblock();
    await pause(FINAL_STEP_MS);
    halfOpen?.reset();
    await pause(FINAL_STEP_MS);
  }

  async #apply(disturbance: Disturbance, member: Member | undefined): Promise<void> {
    const proxy = member?.proxy;
    switch (disturbance.type) {
      case "cut":
        return proxy?.cut(disturbance);
      case "blackhole":
        proxy?.block(disturbance.directions);
        proxy?.after(disturbance.ms, () =>
          disturbance.end === "passes" ? proxy.unblock() : proxy.reset(),
        );
        return;
      case "lag":
        proxy?.setLatency(disturbance.lagMs);
        proxy?.after(disturbance.ms, () => proxy.setLatency(0));
        return;
      case "hold":
        return proxy?.holdNextHandshake(disturbance.ms);
      case "crash":
        return member && this.#crash(member, disturbance.awayMs, disturbance.halfOpenMs);
      case "late frames":
        proxy?.block(["up"]);
        return this.#later(
          disturbance.heldMs,
          () => member && this.#lateFrames(member, disturbance.halfOpenMs),
        );
      case "overtaken":
        return member && this.#overtake(member, disturbance.lateMs);
      case "leave":
        await member?.leaves();
        return this.#later(disturbance.awayMs, () => member?.joins());
      case "online event":
        return Page.fireOnline();
      case "kill":
        this.#kills = this.#kills.then(() => this.#kill(disturbance.downMs));
        return this.#kills;
      case "quiesce":
        this.isQuiesced = true;
        return this.#later(disturbance.ms, () => {
          this.isQuiesced = false;
        });
      default:
        return disturbance satisfies never;
    }
  }

  async #kill(downMs: number): Promise<void> {
    await this.#server?.killNine();
    await pause(downMs);
    await this.#server?.restart();
  }

  async #crash(member: Member, awayMs: number, halfOpenMs: number): Promise<void> {
    let halfOpen: FaultProxy | undefined;
    await member.crashes((proxy) => (halfOpen = proxy));
    this.#later(awayMs, async () => {
      await member.joins();
      member.proxy?.onHandshake(() => halfOpen?.after(halfOpenMs, () => halfOpen?.reset()));
    });
  }

  async #lateFrames(member: Member, halfOpenMs: number): Promise<void> {
    let halfOpen: FaultProxy | undefined;
    await member.crashes((left) => (halfOpen = left));
    await member.joins();
    member.proxy?.onHandshake(() => {
      halfOpen?.after(halfOpenMs, () => halfOpen?.unblock());
      halfOpen?.after(halfOpenMs + LATE_CONNECTION_MS, () => halfOpen?.reset());
    });
  }

  async #overtake(member: Member, lateMs: number): Promise<void> {
    const { proxy } = member;
    proxy?.holdNextHandshake(HELD_MS);
    proxy?.reset();
    this.#later(HANDSHAKE_MS, async () => {
      let halfOpen: FaultProxy | undefined;
      await member.crashes((left) => (halfOpen = left));
      await member.joins();
      member.proxy?.onHandshake(() => {
        halfOpen?.after(lateMs, () => halfOpen?.unblock());
        halfOpen?.after(lateMs + LATE_CONNECTION_MS, () => halfOpen?.reset());
      });
    });
  }

  #later(ms: number, work: () => Promise<void> | void | undefined): void {
    if (this.#isOver) return;
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      const working = Promise.resolve(work());
      this.#running.push(working);
      // `stop` throws it.
      working.catch(() => {});
    }, ms);
    this.#timers.add(timer);
  }
}

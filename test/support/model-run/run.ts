/**
 * Runs the real object beside its model: takes each step on both, and compares (comparison.ts) everything observable,
 * now or later.
 */
import { expect, vi } from "vitest";
import { LATE_MS } from "../../../src/core/clock.ts";
import { compare, hasHealed } from "./comparison.ts";
import { injectFailureWithJoin, injectStaleMessage, injectSignals, idOf, turn } from "./object.ts";
import { hasProcessed, type PersonConnection, Person } from "./person.ts";
import type { Step } from "./steps.ts";
import { RoomModel } from "./room-model.ts";
import { type Fault, FaultInjector } from "../storage/fault-injection.ts";
import { TestRoom } from "../harness/workerd.ts";

const TICK_MS = 250;
let texts = 0;

export class ModelRun {
  readonly room = new TestRoom();
  readonly model = new RoomModel();
  readonly people: Map<string, Person>;
  #now = Date.now();
  #faultInjector: FaultInjector | undefined;
  #epoch = "";

  /** @param keys by name; a run has no other names */
  constructor(keys: Readonly<Record<string, string>>) {
    this.people = new Map(
      Object.entries(keys).map(([name, key]) => [name, new Person(name, key)] as const),
    );
  }

  async takes(step: Step): Promise<void> {
    await this.#passes(step.type === "pass" ? step.seconds * 1_000 : TICK_MS, step.fault);
    await this.#acts(step);
    this.#disarm();
    await compare(this.room, this.model, [...this.people.values()]);
  }

  /** Everyone returns on a working connection and acknowledges; then each has every entry that concerns it. */
  async heals(): Promise<void> {
    for (const who of this.people.keys()) {
      await this.takes({ type: "join", who, dialect: "chat.v1", how: "resume" });
    }
    // An append trims the log, and a peer that was far behind gets the gap.
    const [who = ""] = this.people.keys();
    await this.takes({ type: "say", who, to: "everyone", count: 1 });
    for (let turns = 0; turns < 20; turns++) {
      const behind = [...this.people.values()].filter(
        ({ current }) => (current?.connection.flight.length ?? 0) > 0,
      );
      if (behind.length === 0) break;
      for (const { name } of behind) await this.takes({ type: "ack", who: name, how: "all" });
    }
    hasHealed(this.model, [...this.people.values()]);
  }

  /** Whether the storage failed in this step. */
  get hasFailed(): boolean {
    return this.#faultInjector?.hasFired ?? false;
  }

  async #acts(step: Step): Promise<void> {
    switch (step.type) {
      case "join":
        return this.#joins(step);
      case "say":
        return this.#says(step);
      case "ack":
        return this.#acks(step);
      case "vanish": {
        const socket = this.#person(step.who).active;
        // For `chat.line`, a sent entry counts as processed, so there the room must see the end.
        if (socket?.connection.dialect === "chat.v1") socket.isSilent = true;
        return;
      }
      case "leave": {
        const socket = this.#person(step.who).active;
        if (socket === undefined) return;
        socket.client.closes(1000);
        await socket.client.isClosed();
        return this.#hasEnded(socket, 1000);
      }
      case "signal":
        return this.#signals(step);
      case "stale":
        return this.#sendStale(step);
      case "sleep":
      case "evict":
        return this.#rests(step.type);
      case "crash":
        await this.room.crashes();
        return this.#losesAll();
      case "pass":
        return;
      default:
        step satisfies never;
    }
  }

  async #joins({ who, dialect, how, race }: Extract<Step, { type: "join" }>): Promise<void> {
    const person = this.#person(who);
    const { model } = this;
    if (how === "wrong key" && !model.names.has(who)) return;
    const key = how === "wrong key" ? "another" : person.key;
    const isV1 = dialect === "chat.v1";
    if (isV1 && how !== "overtaken") person.attempt++;
    const attempt = isV1 ? person.attempt : undefined;
    const since = how === "from zero" ? 0 : how === "resume" && isV1 ? person.cursor : undefined;
    const query = {
      ...(since !== undefined && { since }),
      ...(since !== undefined && since > 0 && { epoch: this.#epoch }),
      ...(attempt !== undefined && { session: who, attempt }),
    };
    const older = person.current;
    if (race !== undefined && older !== undefined)
      await injectFailureWithJoin(this.room, older, race);
    const client = await this.room.joins(who, {
      dialect,
      halfOpen: true,
      query,
      ...(key !== "" && { key }),
    });
    if (this.hasFailed) {
      expect((await client.isClosed()).code).toBe(4102);
      if (race !== undefined && older !== undefined) return this.#hasEnded(older, 1005);
      this.#disarm();
      return this.#recovers();
    }
    this.#disarm();
    if (race === "before" && older !== undefined) this.#hasEnded(older, 1005);
    const admitted = model.joins({ name: who, dialect, key, since, attempt });
    if (typeof admitted === "number") {
      expect((await client.isClosed()).code, `${who} is rejected`).toBe(admitted);
      if (race === "behind" && older !== undefined) this.#hasEnded(older, 1005);
      return;
    }
    if (older !== undefined) older.code ??= 4001;
    const id = await this.room.inside((_object, state) =>
      idOf(this.room.socketsOf(state, who).at(-1)),
    );
    const from = model.online.get(who)?.snapshot.acked;
    person.cursor ??= admitted.delivered.length === 0 ? from : undefined;
    person.connections.push({
      client,
      connection: admitted,
      id,
      isSilent: false,
      code: undefined,
      isOver: false,
      read: 0,
    });
    if (isV1) this.#epoch = (await client.hearsKind("welcome")).epoch;
    else await client.hearsText("* welcome");
  }

  async #says({ who, to, count }: Extract<Step, { type: "say" }>): Promise<void> {
    const socket = this.#person(who).active;
    if (socket === undefined) return;
    const { client, connection } = socket;
    const written = Array.from({ length: count }, () => `m${texts++}`);
    const names = to === "everyone" ? undefined : to === "nobody" ? ["nobody"] : to;
    if (connection.dialect === "chat.v1") {
      client.tells(
        written.map((text) => ({ type: "send", id: text, text, ...(names && { to: names }) })),
      );
    } else {
      client.tells(written.map((text) => `${names?.join(", ") ?? "*"}: ${text}`).join("\n"));
    }
    await hasProcessed(socket);
    if (this.hasFailed) return this.#hasEnded(socket, 4102);
    this.#disarm();
    const isKnown = names?.every((name) => this.model.names.has(name)) ?? true;
    if (isKnown) this.model.says(who, written, names);
    else if (connection.dialect === "chat.v1") {
      const refused = client.all("error").filter(({ code }) => code === "unknown-peer");
      expect(refused.slice(-count).map(({ id }) => id)).toEqual(written);
    }
  }

  async #acks({ who, how }: Extract<Step, { type: "ack" }>): Promise<void> {
    const socket = this.#person(who).active;
    if (socket === undefined || socket.connection.dialect === "chat.line") return;
    const { flight, acked } = socket.connection;
    const seq = how === "again" ? acked : how === "one" ? flight[0] : flight.at(-1);
    if (seq === undefined) return;
    socket.client.acks(seq);
    await hasProcessed(socket);
    expect(this.#disarm(), "R10: an ack writes nothing").toBe(false);
    this.model.acks(socket.connection, seq);
  }

  /** Sends failure signals of any connection that the platform still lists, current or not. */
  async #signals(step: Extract<Step, { type: "signal" }>): Promise<void> {
    const person = this.#person(step.who);
    const id = await injectSignals(this.room, step);
    const socket = person.connections.find((one) => one.id === id);
    if (socket !== undefined && socket === person.current) return this.#hasEnded(socket, 1005);
    expect(this.#disarm(), "a late signal writes nothing").toBe(false);
  }

  /** A connection that the room has ended sends a message. */
  async #sendStale({ who, which }: Extract<Step, { type: "stale" }>): Promise<void> {
    const current = this.#person(who).current?.id;
    await injectStaleMessage(this.room, { who, which, current });
  }

  /** A room hibernates only with nothing in flight and nobody in grace. */
  async #rests(how: "sleep" | "evict"): Promise<void> {
    const { model } = this;
    const isBusy = [...model.online.values()].some(({ flight }) => flight.length > 0);
    if (isBusy || model.grace.size > 0) return;
    this.#disarm();
    if (how === "sleep") {
      await this.room.sleeps();
      model.wakes();
      return;
    }
    await this.room.isEvicted();
    return this.#losesAll();
  }

  /** Advances the clock, and does what is due. */
  async #passes(ms: number, fault: Fault | undefined): Promise<void> {
    const end = this.#now + ms;
    await this.room.inside(async (object, { storage }) => {
      // In steps, as timers would: one leap past a deadline would look like a clock that was set.
      while (this.#now < end) {
        this.#now = Math.min(end, this.#now + LATE_MS);
        vi.setSystemTime(this.#now);
        await turn(object);
        this.#advanceModel();
      }
      if (fault !== undefined) this.#faultInjector = new FaultInjector(storage, fault);
    });
  }

  /** Does in the model what is due now. */
  #advanceModel(): void {
    this.model.now = this.#now;
    this.model.serves();
    for (const connection of this.model.turns()) {
      const socket = this.#person(connection.name).current;
      if (socket !== undefined) socket.code = 4201;
    }
  }

  /** A removal is valid even if its row could not be written. */
  #hasEnded(socket: PersonConnection, code: number): void {
    const hasFailed = this.#disarm();
    if (hasFailed) this.model.wakes();
    socket.code = code;
    this.model.removes(socket.connection, code === 1000);
    if (hasFailed) this.model.serves();
  }

  #losesAll(): void {
    this.model.crashes();
    for (const { current } of this.people.values()) if (current !== undefined) current.code = 1006;
  }

  /** Memory was reset to the stored data. */
  #recovers(): void {
    this.model.wakes();
    this.model.serves();
  }

  /** @returns whether the storage has failed since it was armed */
  #disarm(): boolean {
    const hasFailed = this.hasFailed;
    this.#faultInjector?.restore();
    this.#faultInjector = undefined;
    return hasFailed;
  }

  #person(name: string): Person {
    const person = this.people.get(name);
    if (person === undefined) throw new Error(`no person has the name ${name}`);
    return person;
  }
}

/**
 * R5 from the client's side: the session functions against a room in forty lines, through cut links, crashes, repeats,
 * refusals, gaps and overtaken links. Asserted after every step: nothing doubled, nothing out of order, nothing called
 * refused that is stored. Asserted once the links are healthy: nothing lost, everything decided.
 */
import * as fc from "fast-check";
import { expect, test } from "vitest";
import {
  markSent,
  type Entry,
  nextAttempt,
  nextToSend,
  onError,
  onGap,
  onEntry,
  onReady,
  onWelcome,
  type Outcome,
} from "../../../src/client/session.ts";
import type { ClientRecord } from "../../../src/client/storage/storage.ts";
import type { ServerFrame } from "../../../src/protocol/frames.ts";
import { fuzz, peer, seq } from "../../support/arbitraries.ts";

const ME = peer("alice");
const WINDOW = 4;
const EPOCH = "e";

type Frame = Extract<ServerFrame, { type: "message" | "gap" | "ready" | "error" }>;
type Item = { readonly ack: number } | { readonly id: string; readonly text: string };

class Link {
  readonly toClient: Frame[] = [];
  readonly toRoom: Item[] = [];
  readonly since: number;
  readonly welcomeHead: number;
  acked: number;
  sent: number;
  isReady = false;

  constructor(since: number, head: number) {
    this.since = since;
    this.acked = since;
    this.sent = since;
    this.welcomeHead = head;
  }
}

/** The room: one order, one cursor, one link. It refuses every text that begins with "bad". */
class Room {
  readonly log: (Extract<Entry, { type: "message" }> & { readonly concerns: boolean })[] = [];
  floor = 0;
  cursor = 0;
  link: Link | undefined;

  get head(): number {
    return this.log.length;
  }

  append(from: string, text: string, concerns: boolean, id?: string): void {
    const place = { seq: seq(this.head + 1), from: peer(from), text, at: 0 };
    this.log.push({ type: "message", ...place, ...(id !== undefined && { id }), concerns });
    this.pump();
  }

  trim(keep: number): void {
    this.floor = Math.max(this.floor, this.head - keep);
    this.pump();
  }

  /** A takeover if there is a link. */
  join(since: number | undefined): Link {
    this.link = new Link(Math.min(since ?? this.cursor, this.head), this.head);
    this.pump();
    return this.link;
  }

  /** It forgot what it sent, not what was acknowledged. */
  wake(): void {
    if (this.link !== undefined) this.link.sent = this.link.acked;
    this.pump();
  }

  tellsReady(): void {
    const { link } = this;
    if (link?.isReady) link.toClient.push({ type: "ready", seq: seq(link.sent) });
  }

  pump(): void {
    const { link } = this;
    if (link === undefined) return;
    let inFlight = this.log.filter(
      (entry) => entry.concerns && entry.seq > link.acked && entry.seq <= link.sent,
    ).length;
    while (inFlight < WINDOW && link.sent < this.head) {
      const entry = this.log[link.sent];
      if (link.sent < this.floor) {
        link.toClient.push({ type: "gap", from: seq(link.sent + 1), to: seq(this.floor) });
        link.sent = this.floor;
        inFlight++;
      } else if (entry !== undefined) {
        const { concerns, ...message } = entry;
        if (concerns) link.toClient.push(message);
        if (concerns) inFlight++;
        link.sent = entry.seq;
      }
    }
    if (!link.isReady && link.sent >= link.welcomeHead) {
      link.isReady = true;
      link.toClient.push({ type: "ready", seq: seq(link.sent) });
    }
  }

  reads(count: number): void {
    for (const item of this.link?.toRoom.splice(0, count) ?? []) {
      const { link } = this;
      if (link === undefined) return;
      if ("ack" in item) {
        link.acked = Math.max(link.acked, item.ack);
        link.sent = Math.max(link.sent, item.ack);
        this.cursor = Math.max(this.cursor, item.ack);
        this.pump();
      } else if (item.text.startsWith("bad")) {
        const refusal = { code: "bad-frame", message: "", id: item.id } as const;
        link.toClient.push({ type: "error", ...refusal });
      } else this.append(ME, item.text, true, item.id);
    }
  }
}

/** The client's half, as client.ts drives it: apply, save, then acknowledge or send. */
class Client {
  record: ClientRecord = { version: 1, session: "s", attempt: 0, outbox: [] };
  saved = this.record;
  link: Link | undefined;
  isReady = false;
  readonly handed = new Set<string>();
  /** The state that the application has seen. */
  readonly said: string[] = [];
  readonly seen: number[] = [];
  readonly gaps: { readonly from: number; readonly to: number }[] = [];
  readonly outcomes = new Map<string, string>();

  say(text: string): void {
    const id = `m${this.said.length}`;
    this.said.push(id);
    this.record = { ...this.record, outbox: [...this.record.outbox, { id, text, sent: false }] };
    this.saved = this.record;
  }

  connect(room: Room): void {
    if (this.link !== undefined) return;
    this.record = nextAttempt(this.record, 0);
    this.link = room.join(this.record.cursor);
    this.record = onWelcome(this.record, { epoch: EPOCH, since: seq(this.link.since) });
    this.saved = this.record;
  }

  cut(): void {
    this.link = undefined;
    this.isReady = false;
    this.handed.clear();
  }

  crash(): void {
    this.cut();
    this.record = this.saved;
  }

  hears(count: number): void {
    for (const frame of this.link?.toClient.splice(0, count) ?? []) {
      this.#apply(this.#meaning(frame));
      if (frame.type === "ready") this.isReady = true;
      this.saved = this.record;
      this.link?.toRoom.push({ ack: this.record.cursor ?? 0 });
    }
  }

  /** @param isLost a crash between the record and the wire */
  speaks(count: number, isLost = false): void {
    if (!this.isReady) return;
    const batch = nextToSend(this.record, this.handed, count);
    this.record = markSent(this.record, batch);
    this.saved = this.record;
    if (isLost) return this.crash();
    for (const { id, text } of batch) {
      this.handed.add(id);
      this.link?.toRoom.push({ id, text: text ?? "" });
    }
  }

  #meaning(frame: Frame): Outcome {
    switch (frame.type) {
      case "message":
        return onEntry(this.record, frame, ME);
      case "gap":
        return onGap(this.record, frame);
      case "ready":
        return onReady(this.record, frame.seq, this.handed);
      case "error":
        return onError(this.record, frame);
      default:
        return frame satisfies never;
    }
  }

  #apply({ record, effects }: Outcome): void {
    this.record = record;
    for (const effect of effects) {
      if (effect.type === "entry") this.seen.push(effect.entry.seq);
      else if (effect.type === "gap") this.gaps.push(effect);
      else {
        const { id } = effect.queued;
        expect(this.outcomes.get(id), `${id} was decided already`).toBeUndefined();
        this.outcomes.set(id, effect.type);
        this.handed.delete(id);
      }
    }
  }
}

const number = fc.integer({ min: 1, max: 6 });
const step = fc.oneof(
  { weight: 4, arbitrary: fc.record({ type: fc.constant("say"), isBad: fc.boolean() }) },
  { weight: 4, arbitrary: fc.record({ type: fc.constant("speak"), count: number }) },
  { weight: 5, arbitrary: fc.record({ type: fc.constant("room reads"), count: number }) },
  { weight: 5, arbitrary: fc.record({ type: fc.constant("client hears"), count: number }) },
  { weight: 3, arbitrary: fc.record({ type: fc.constant("others"), concerns: fc.boolean() }) },
  { weight: 3, arbitrary: fc.constant({ type: "connect" } as const) },
  { weight: 2, arbitrary: fc.constant({ type: "cut" } as const) },
  { weight: 1, arbitrary: fc.constant({ type: "crash" } as const) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant("speak and crash"), count: number }) },
  { weight: 1, arbitrary: fc.constant({ type: "wake" } as const) },
  { weight: 1, arbitrary: fc.constant({ type: "ready" } as const) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant("trim"), keep: number }) },
);
type StepOf<Arbitrary> = Arbitrary extends fc.Arbitrary<infer Value> ? Value : never;

function take(client: Client, room: Room, now: StepOf<typeof step>): void {
  switch (now.type) {
    case "say":
      return client.say(now.isBad ? "bad" : "good");
    case "speak":
      return client.speaks(now.count);
    case "speak and crash":
      return client.speaks(now.count, true);
    case "room reads":
      return room.reads(now.count);
    case "client hears":
      return client.hears(now.count);
    case "others":
      return room.append("bob", "hi", now.concerns);
    case "connect":
      return client.connect(room);
    case "cut":
      return client.cut();
    case "crash":
      return client.crash();
    case "wake":
      return room.wake();
    case "ready":
      return room.tellsReady();
    case "trim":
      return room.trim(now.keep);
    default:
      return now satisfies never;
  }
}

const ownOf = (room: Room): string[] =>
  room.log.flatMap(({ from, id }) => (from === ME && id !== undefined ? [id] : []));

const rising = (numbers: readonly number[]): number[] =>
  [...new Set(numbers)].toSorted((a, b) => a - b);

function isSafe(client: Client, room: Room): void {
  expect(client.seen, "entries come once each, in order").toEqual(rising(client.seen));
  const own = ownOf(room);
  expect(own, "each own message once, in the order of `send`").toEqual(
    client.said.filter((id) => own.includes(id)),
  );
  for (const [id, outcome] of client.outcomes) {
    if (outcome === "confirmed") expect(own, `${id} is confirmed`).toContain(id);
    if (outcome === "refused") expect(own, `${id} is refused`).not.toContain(id);
    if (outcome === "unknown") expect(client.gaps, `${id} is unknown`).not.toEqual([]);
  }
}

function heal(client: Client, room: Room): void {
  client.cut();
  client.connect(room);
  for (let turns = 0; turns < 1_000; turns++) {
    client.hears(100);
    client.speaks(100);
    const { link } = client;
    if (link !== undefined && link.toClient.length === 0 && link.toRoom.length === 0) return;
    room.reads(100);
  }
  throw new Error("client and room never come to rest");
}

test("R5: nothing lost, doubled, out of order, or reported wrongly", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80, size: "max" }), (steps) => {
      const [client, room] = [new Client(), new Room()];
      for (const now of steps) {
        take(client, room, now);
        isSafe(client, room);
      }
      heal(client, room);
      isSafe(client, room);
      expect(client.isReady, "R11: it becomes ready").toBe(true);
      expect(client.record.outbox, "every message is decided").toEqual([]);
      expect([...client.outcomes.keys()].toSorted()).toEqual(client.said.toSorted());
      const missed = room.log.filter(
        (entry) =>
          entry.concerns &&
          !client.seen.includes(entry.seq) &&
          !client.gaps.some(({ from, to }) => from <= entry.seq && entry.seq <= to),
      );
      expect(missed, "every entry is seen, or in a gap that was told").toEqual([]);
    }),
    fuzz(2_000),
  );
});

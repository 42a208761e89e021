/**
 * The copy that the explorer makes at every step is exact: it shares nothing mutable, and a broker rebuilt from a copy
 * at every turn does exactly what one broker does that lives through all of them.
 */
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { Broker } from "../../src/core/broker.ts";
import type { Command, Event } from "../../src/core/event.ts";
import { defaultLimits } from "../../src/config/limits.ts";
import type { ConnectionId, PeerName, RoomName, Seq } from "../../src/protocol/ids.ts";
import type { Connections } from "../../src/core/ports.ts";
import { type BrokerState, wakeState } from "../../src/core/state.ts";
import { emptyDisk, MemoryStorage } from "../support/storage/memory-storage.ts";
import { fuzz } from "../support/arbitraries.ts";
import { copyState } from "./copy.ts";

const NOW = 1_800_000_000_000;
const LIMITS = { ...defaultLimits(), window: 2, logEntries: 4, names: 3 };
const NAMES = ["alice", "bob", "carol", "dave"] as PeerName[];

/** Records every call of a broker to its connections. */
class CallRecorder implements Connections {
  readonly calls: string[] = [];
  open = (snapshot: unknown): void => void this.calls.push(`open ${JSON.stringify(snapshot)}`);
  saveSnapshot = (snapshot: unknown): void =>
    void this.calls.push(`snapshot ${JSON.stringify(snapshot)}`);
  close = (id: string, code: number): void => void this.calls.push(`close ${id} ${code}`);
  pinged = (): undefined => undefined;
  token = (): string => `k${this.calls.length}`;
  send = (id: string, outs: readonly unknown[]): number | undefined => {
    this.calls.push(`send ${id} ${JSON.stringify(outs)}`);
    // Some sends fail.
    return id.endsWith("7") ? undefined : 1_000;
  };
}

class Room {
  readonly recorder = new CallRecorder();
  readonly disk = emptyDisk();
  readonly storage = new MemoryStorage(this.disk);
  state: BrokerState = wakeState([], this.storage.log, NOW).state;
  #broker = this.#make();

  turn(events: readonly Event[], now: number): void {
    this.#broker.turn(events, now);
    this.recorder.calls.push(`due ${this.#broker.due(now)}`);
  }

  replaceByCopy(): void {
    this.state = copyState(this.state);
    this.#broker = this.#make();
  }

  #make(): Broker {
    const { storage, recorder } = this;
    return new Broker({ storage, connections: recorder, limits: LIMITS, epoch: "e" }, this.state);
  }
}

const name = fc.constantFrom(...NAMES);
const to = fc.option(fc.array(name, { minLength: 1, maxLength: 2 }), { nil: undefined });
const step = fc.oneof(
  fc.record({
    type: fc.constant("joins" as const),
    name,
    line: fc.boolean(),
    since: fc.option(fc.nat(9)),
  }),
  fc.record({ type: fc.constant("says" as const), name, to }),
  fc.record({
    type: fc.constant("changes" as const),
    name,
    ref: fc.integer({ min: 1, max: 9 }),
    erase: fc.boolean(),
  }),
  fc.record({ type: fc.constant("operatorErases" as const), name, seq: fc.nat(9) }),
  fc.record({ type: fc.constant("acks" as const), name, seq: fc.nat(9) }),
  fc.record({ type: fc.constant("asks" as const), name }),
  fc.record({ type: fc.constant("leaves" as const), name, code: fc.constantFrom(1000, 1006) }),
  fc.record({
    type: fc.constant("waits" as const),
    name,
    ms: fc.constantFrom(100, 15_000, 90_000),
  }),
);
type StepOf<Of> = Of extends fc.Arbitrary<infer Value> ? Value : never;

/** Turns steps into turns of events. Each step concerns the last connection of its name. */
function turnsOf(turns: readonly (readonly StepOf<typeof step>[])[]): [Event[], number][] {
  const ids = new Map<PeerName, ConnectionId>();
  let [now, joins] = [NOW, 0];
  return turns.map((steps) => {
    const events = steps.map((one): Event => {
      if (one.type === "waits") now += one.ms;
      const id = ids.get(one.name) ?? ("0" as ConnectionId);
      const link = { name: one.name, id };
      const received = (command: Command): Event => ({ type: "CommandReceived", link, command });
      switch (one.type) {
        case "joins": {
          const next = `${1_000 + joins++}` as ConnectionId;
          ids.set(one.name, next);
          const since = one.since === null ? {} : { since: one.since as Seq, epoch: "e" };
          const dialect = one.line ? "chat.line" : "chat.v1";
          const join = {
            room: "r" as RoomName,
            name: one.name,
            owner: "",
            dialect,
            ...since,
          } as const;
          return { type: "NewPeer", id: next, join };
        }
        case "says":
          return received({
            type: "Message",
            text: "hi",
            id: `m${joins}`,
            ...(one.to && { to: one.to }),
          });
        case "changes": {
          const change = one.erase ? ({ erase: true } as const) : { text: `new ${joins}` };
          return received({ type: "Patch", id: `p${joins}`, ref: one.ref as Seq, ...change });
        }
        case "operatorErases":
          return {
            type: "Operator",
            requestId: 0,
            request: { type: "EraseEntry", seq: one.seq as Seq },
          };
        case "acks":
          return received({ type: "Ack", seq: one.seq as Seq });
        case "asks":
          return received({ type: "Who", id: "w" });
        case "leaves":
          return { type: "Disconnect", link, code: one.code };
        case "waits":
          return { type: "Tick" };
        default:
          return one satisfies never;
      }
    });
    return [events, now];
  });
}

const turns = fc
  .array(fc.array(step, { minLength: 1, maxLength: 4 }), { maxLength: 30, size: "max" })
  .map(turnsOf);

test("a broker from a copy behaves as the original", () => {
  fc.assert(
    fc.property(turns, (all) => {
      const [lives, copied] = [new Room(), new Room()];
      for (const [events, now] of all) {
        lives.turn(events, now);
        copied.turn(events, now);
        copied.replaceByCopy();
        expect(copied.recorder.calls).toEqual(lives.recorder.calls);
        expect(copied.state).toEqual(lives.state);
      }
    }),
    fuzz(300),
  );
});

/** Immutable objects, by the property that holds them; and lists of such objects. */
const FIXED = new Set(["link", "session", "quotaUsed", "update", "marks"]);
const LISTS = new Set(["pendingReplies", "candidates", "recipients", "rest"]);

/** Yields every mutable object in `value`, with its path. */
function* changing(value: unknown, way: string): Generator<[object, string]> {
  if (typeof value !== "object" || value === null) return;
  yield [value, way];
  if (LISTS.has(way.split(".").at(-1) ?? "")) return;
  const parts: [unknown, unknown][] =
    value instanceof Map || value instanceof Set ? [...value.entries()] : Object.entries(value);
  for (const [key, part] of parts) {
    if (!FIXED.has(String(key))) yield* changing(part, `${way}.${String(key)}`);
  }
}

test("a copy shares nothing that changes", () => {
  fc.assert(
    fc.property(turns, (all) => {
      const room = new Room();
      for (const [events, now] of all) room.turn(events, now);
      const originals = new Set([...changing(room.state, "state")].map(([part]) => part));
      const shared = [...changing(copyState(room.state), "state")]
        .filter(([part]) => originals.has(part))
        .map(([, way]) => way);
      expect(shared).toEqual([]);
    }),
    fuzz(100),
  );
});

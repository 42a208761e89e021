/**
 * R5: whatever order, repeats and splits between history, replay and live: the view is the fold of the log.
 *
 * The log is made by the functions with which the core makes it.
 */
import * as fc from "fast-check";
import { expect, test } from "vitest";
import type { Entry, Patch } from "../../../src/client/index.ts";
import * as core from "../../../src/core/entry.ts";
import { combine, fold, supersede } from "../../../src/core/patch.ts";
import { isReaction, RoomModel } from "../../../src/model/index.ts";
import type { PeerName, Seq } from "../../../src/protocol/ids.ts";
import { seed } from "../../support/seed.ts";

const PEOPLE = ["ann", "bob", "eve"] as PeerName[];
const MARKS = ["👍", "🎉"];

/** What somebody does; `at` chooses the message that it is about. */
const step = fc.record({
  what: fc.constantFrom("say", "reply", "mark", "unmark", "text", "data", "erase"),
  who: fc.constantFrom(...PEOPLE),
  mark: fc.constantFrom(...MARKS),
  at: fc.nat(20),
});
type Step = typeof step extends fc.Arbitrary<infer Made> ? Made : never;

/** The log after each step. */
function logsOf(steps: readonly Step[]): readonly (readonly core.Entry[])[] {
  const logs: core.Entry[][] = [];
  let log: core.Entry[] = [];
  for (const [index, { what, who, mark, at }] of steps.entries()) {
    const seq = (index + 1) as Seq;
    const common = { seq, at: seq, id: `i${seq}` } as const;
    const messages = log.filter((entry) => entry.type === "message");
    const target = messages[at % Math.max(1, messages.length)];
    const ref = target?.seq;
    const say = (fields: Partial<core.MessageFields>): void =>
      void log.push(
        core.encodeEntry({ type: "message", ...common, from: who, text: `t${seq}`, ...fields }),
      );
    if (target === undefined || ref === undefined || what === "say") say({});
    else if (what === "reply") say({ ref });
    else if (what === "mark") say({ text: "", ref, quiet: true, data: { mark } });
    else if (what === "unmark") say({ text: "", ref, quiet: true, data: { mark, on: false } });
    else if (target.erased) say({});
    else {
      const change = {
        text: { text: `edited by ${seq}` },
        data: { data: { mark, seq } },
        erase: { erase: true, by: at % 2 === 0 ? "operator" : undefined },
      } as const;
      const own: core.PatchFields = {
        type: "patch",
        ...common,
        from: target.from,
        ref,
        ...change[what],
      };
      const previous = log.find((entry) => entry.seq === target.patched);
      const patch = core.encodeEntry(
        previous?.type === "patch" ? { ...own, ...combine(previous, change[what]) } : own,
      );
      const changed = [
        fold(target, patch),
        ...(previous?.type === "patch" ? [supersede(previous, seq)] : []),
      ];
      log = log.map((entry) => changed.find((other) => other.seq === entry.seq) ?? entry);
      log.push(patch);
    }
    logs.push(log);
    log = [...log];
  }
  return logs;
}

type Frame = ({ readonly type: "message" } & Entry) | ({ readonly type: "patch" } & Patch);
const frameOf = ({ frame }: core.Entry): Frame => JSON.parse(frame) as Frame;

const add = (model: RoomModel, { type, ...frame }: Frame): void => {
  if (type === "message") model.add(frame as Entry);
  else model.apply(frame as Patch);
};

/** An entry of the log, as it was sent at one time: live, in a replay, or in a page. */
const delivery = fc.record({ of: fc.nat(), at: fc.nat(), order: fc.nat() });
const conversation = fc.record({
  steps: fc.array(step, { minLength: 1, maxLength: 24 }),
  /** One for each entry at least. */
  deliveries: fc.array(delivery, { minLength: 24, maxLength: 72 }),
});

const messagesOf = (log: readonly core.Entry[]): Entry[] =>
  log.map(frameOf).flatMap(({ type, ...frame }) => (type === "message" ? [frame as Entry] : []));

/** The frames that a client gets, in its order; each entry once at least. */
function framesOf(
  logs: readonly (readonly core.Entry[])[],
  deliveries: readonly { readonly of: number; readonly at: number; readonly order: number }[],
): Frame[] {
  const sent = deliveries.map(({ of, at, order }, index) => {
    const place = index < logs.length ? index : of % logs.length;
    const time = place + (at % (logs.length - place));
    const entry = logs[time]?.[place];
    return entry && { order, frame: frameOf(entry) };
  });
  return sent
    .flatMap((one) => one ?? [])
    .toSorted((a, b) => a.order - b.order)
    .map(({ frame }) => frame);
}

test("R5: the view is the fold of the log, however it came", () => {
  fc.assert(
    fc.property(conversation, ({ steps, deliveries }) => {
      const logs = logsOf(steps);
      const model = new RoomModel();
      for (const frame of framesOf(logs, deliveries)) add(model, frame);
      const log = messagesOf(logs.at(-1) ?? []);
      expect(model.entries).toEqual(log);
      const inOrder = new RoomModel();
      for (const entry of log) inOrder.add(entry);
      for (const { seq } of log) {
        expect(model.replies(seq)).toEqual(inOrder.replies(seq));
        expect(model.reactions(seq)).toEqual(inOrder.reactions(seq));
        for (const { mark, from } of model.reactions(seq)) {
          for (const name of from) {
            const own = log.filter(
              (entry) => entry.ref === seq && entry.from === name && isReaction(entry),
            );
            expect(own.findLast(({ data }) => data?.["mark"] === mark)?.data?.["on"]).not.toBe(
              false,
            );
          }
        }
      }
    }),
    { seed, numRuns: 500 },
  );
});

test("R5: a gap hides changes, and invents none", () => {
  fc.assert(
    fc.property(conversation, fc.nat(), fc.nat(), ({ steps, deliveries }, one, other) => {
      const logs = logsOf(steps);
      const [from, to] = [one % logs.length, other % logs.length].toSorted((a, b) => a - b);
      const isHidden = ({ seq }: { readonly seq: number }): boolean =>
        seq > (from ?? 0) && seq <= (to ?? 0);
      const model = new RoomModel();
      model.addGap({ from: (from ?? 0) + 1, to: to ?? 0 });
      for (const frame of framesOf(logs, deliveries)) if (!isHidden(frame)) add(model, frame);
      const last = logs.at(-1) ?? [];
      const kept = messagesOf(last).filter((entry) => !isHidden(entry));
      expect(model.entries.map(({ seq }) => seq)).toEqual(kept.map(({ seq }) => seq));
      const contents = ({ text, data, erased, by, patched }: Entry): unknown => [
        text,
        data,
        erased,
        by,
        patched,
      ];
      for (const entry of kept) {
        const copy = model.get(entry.seq) ?? entry;
        const isSeen = entry.patched === undefined || !isHidden({ seq: entry.patched });
        const earlier = logs.map((log) => messagesOf(log).find(({ seq }) => seq === entry.seq));
        const possible = isSeen ? [entry] : earlier.flatMap((version) => version ?? []);
        expect(possible.map(contents)).toContainEqual(contents(copy));
      }
    }),
    { seed, numRuns: 300 },
  );
});

test("an entry is the same object until it changes", () => {
  fc.assert(
    fc.property(conversation, ({ steps, deliveries }) => {
      const model = new RoomModel();
      for (const frame of framesOf(logsOf(steps), deliveries)) {
        const before = new Map(model.entries.map((entry) => [entry, JSON.stringify(entry)]));
        add(model, frame);
        for (const [entry, text] of before) {
          expect(JSON.stringify(entry)).toBe(text);
          const after = model.get(entry.seq);
          if (after !== entry) expect(after).not.toEqual(entry);
        }
      }
    }),
    { seed, numRuns: 200 },
  );
});

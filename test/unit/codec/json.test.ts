/** `chat.v1`: one table of client frames and their meaning, one of the room's messages and their encoding. */
import * as fc from "fast-check";
import * as v from "valibot";
import { describe, expect, test } from "vitest";
import { encodeEntry } from "../../../src/core/entry.ts";
import type { Command, ServerMessage } from "../../../src/core/event.ts";
import { defaultLimits } from "../../../src/config/limits.ts";
import { clientFrames, serverFrames } from "../../../src/protocol/frames.ts";
import { readFrame, writeFrame } from "../../../src/codec/json.ts";
import { anyName, anyText, fuzz, keptText, peer, room, seq } from "../../support/arbitraries.ts";

const limits = defaultLimits();
const read = (text: string): Command[] => [...readFrame(text, limits)];

const [alice, bob, carol] = [peer("alice"), peer("bob"), peer("carol")];

describe("the fast path for plain messages and acks", () => {
  const anyId = fc.oneof(anyText, fc.constantFrom("", "m1", "x".repeat(64), "x".repeat(65), 7));
  const anyTo = fc.oneof(
    fc.constantFrom(undefined, null, "bob", [], ["bob"], ["bob", "bob"], ["b.-_9"], ["_bob"]),
    fc.constantFrom(["b".repeat(32)], ["b".repeat(33)], ["Zoe\u0308"], [""], [7], [["bob"]]),
    fc.array(fc.oneof<fc.Arbitrary<string>[]>(anyName, anyText), { maxLength: 3 }),
  );
  const absent = fc.constant(undefined);
  const send = fc.record({
    type: fc.constant("send"),
    id: anyId,
    text: fc.oneof(anyText, fc.constantFrom("", null, 7)),
    to: anyTo,
    ref: fc.oneof(absent, fc.constantFrom(0, 1, 1.5, 2 ** 53, "1", null)),
    data: fc.oneof(absent, fc.constantFrom({}, { a: [1] }, [], null, "x")),
    quiet: fc.oneof(absent, fc.constantFrom(true, false, "true", 1, null)),
  });
  const ack = fc.record({
    type: fc.constant("ack"),
    seq: fc.oneof(fc.integer({ min: -2 }), fc.double(), fc.constantFrom(null, "7", 2 ** 53)),
  });

  test("agrees with the schemas", () => {
    const agrees = (item: Readonly<Record<string, unknown>>): void => {
      // As it comes over the wire: without `undefined` or `NaN`.
      const text = JSON.stringify(item);
      const schema = item["type"] === "ack" ? clientFrames.ack : clientFrames.send;
      const { success, output } = v.safeParse(schema, JSON.parse(text));
      const [command] = read(text);
      if (!success) expect(command?.type).toBe("Invalid");
      else if (output.type === "ack") expect(command).toEqual({ type: "Ack", seq: output.seq });
      else {
        const { quiet, ...message } = output;
        if (message.text === "" && message.data === undefined)
          expect(command?.type).toBe("Invalid");
        else
          expect(command).toEqual({ ...message, type: "Message", quiet: quiet ? true : undefined });
      }
    };
    fc.assert(fc.property(fc.oneof(send, ack), agrees), fuzz(4_000));
  });
});

describe("client frames", () => {
  test.each<readonly [string, string, readonly Command[]]>([
    [
      "a message to everyone",
      `{"type":"send","id":"m1","text":"hi"}`,
      [{ type: "Message", id: "m1", text: "hi" }],
    ],
    [
      "a message to some",
      `{"type":"send","id":"m1","text":"hi","to":["bob","carol"]}`,
      [{ type: "Message", id: "m1", text: "hi", to: [bob, carol] }],
    ],
    [
      "a name twice in `to`",
      `{"type":"send","id":"m1","text":"hi","to":["bob","carol","bob"]}`,
      [{ type: "Message", id: "m1", text: "hi", to: [bob, carol] }],
    ],
    [
      "a name that is not NFC",
      `{"type":"send","id":"m1","text":"hi","to":["Zoe\\u0308"]}`,
      [{ type: "Message", id: "m1", text: "hi", to: [peer("Zo\u00eb")] }],
    ],
    [
      "a text that is not NFC stays as it is",
      `{"type":"send","id":"m1","text":"Zoe\\u0308"}`,
      [{ type: "Message", id: "m1", text: "Zoe\u0308" }],
    ],
    [
      "a text of white space",
      `{"type":"send","id":"m1","text":" \\n "}`,
      [{ type: "Message", id: "m1", text: " \n " }],
    ],
    [
      "unknown fields",
      `{"type":"send","id":"m1","text":"hi","colour":"red","seq":"x"}`,
      [{ type: "Message", id: "m1", text: "hi" }],
    ],
    ["white space around JSON", ` {"type":"ack", "seq":7}\r\n`, [{ type: "Ack", seq: seq(7) }]],
    [
      "an ack with the k of a mark",
      `{"type":"ack","seq":7,"k":"aB3-_xyz"}`,
      [{ type: "Ack", seq: seq(7), k: "aB3-_xyz" }],
    ],
    ["an ack of nothing", `{"type":"ack","seq":0}`, [{ type: "Ack", seq: seq(0) }]],
    [
      "the highest position",
      `{"type":"ack","seq":9007199254740991}`,
      [{ type: "Ack", seq: seq(Number.MAX_SAFE_INTEGER) }],
    ],
    [
      "a message with all that it can carry",
      `{"type":"send","id":"m1","text":"hi","ref":4,"quiet":true,"data":{"poll":["Mon"]}}`,
      [
        {
          type: "Message",
          id: "m1",
          text: "hi",
          ref: seq(4),
          quiet: true,
          data: { poll: ["Mon"] },
        },
      ],
    ],
    [
      "a message of data alone",
      `{"type":"send","id":"m1","text":"","data":{"mark":"👍"},"quiet":false}`,
      [{ type: "Message", id: "m1", text: "", data: { mark: "👍" } }],
    ],
    [
      "a change of the text",
      `{"type":"patch","id":"p1","ref":4,"text":"hello"}`,
      [{ type: "Patch", id: "p1", ref: seq(4), text: "hello" }],
    ],
    [
      "a change of the data alone",
      `{"type":"patch","id":"p1","ref":4,"data":{}}`,
      [{ type: "Patch", id: "p1", ref: seq(4), data: {} }],
    ],
    [
      "an erasure",
      `{"type":"patch","id":"p1","ref":4,"erase":true}`,
      [{ type: "Patch", id: "p1", ref: seq(4), erase: true }],
    ],
    [
      "a signal to everyone",
      `{"type":"signal","data":{ "typing": true }}`,
      [{ type: "Signal", data: `{"typing":true}` }],
    ],
    [
      "a signal to some",
      `{"type":"signal","data":null,"to":["bob","bob"]}`,
      [{ type: "Signal", data: "null", to: [bob] }],
    ],
    [
      "history, with the default limit",
      `{"type":"history","id":"h1"}`,
      [{ type: "History", id: "h1", limit: 50 }],
    ],
    [
      "an older page of history",
      `{"type":"history","id":"h1","before":9,"limit":100}`,
      [{ type: "History", id: "h1", before: seq(9), limit: 100 }],
    ],
    ["who", `{"type":"who","id":"w1"}`, [{ type: "Who", id: "w1" }]],
    [
      "a later page of who",
      `{"type":"who","id":"w1","after":"bob"}`,
      [{ type: "Who", id: "w1", after: "bob" }],
    ],
    [
      "an array",
      `[{"type":"ack","seq":1},{"type":"who","id":"w1"}]`,
      [
        { type: "Ack", seq: seq(1) },
        { type: "Who", id: "w1" },
      ],
    ],
    ["an empty array", "[]", [{ type: "Empty" }]],
  ])("%s", (_what, text, commands) => expect(read(text)).toEqual(commands));

  test("R7 the items of an array are checked one by one, in order", () => {
    const items = [
      `{"type":"send","id":"m1","text":"one"}`,
      `7`,
      `{"type":"send","id":"m2","text":""}`,
      `[]`,
      `{"type":"shout","id":"m3"}`,
      `null`,
      `{"type":"send","id":"m4","text":"four"}`,
    ];
    const outcomes = read(`[${items.join()}]`).map((command) =>
      command.type === "Invalid" ? (command.refusal.id ?? "?") : command.type,
    );
    expect(outcomes).toEqual(["Message", "?", "m2", "?", "m3", "?", "Message"]);
  });

  test("an array means its items, as if they had come one by one", () => {
    const item = fc.record(
      {
        type: fc.constantFrom("send", "ack", "signal", "history", "who", "shout"),
        id: fc.oneof(anyText, fc.constant("m1")),
        text: fc.oneof(anyText, fc.jsonValue()),
        to: fc.oneof(fc.array(fc.oneof(anyName, anyText), { maxLength: 3 }), fc.jsonValue()),
        seq: fc.oneof(fc.nat(), fc.double()),
        data: fc.jsonValue(),
      },
      { requiredKeys: ["type"] },
    );
    const several = fc.array(item, { minLength: 1, maxLength: 5 });
    fc.assert(
      fc.property(several, (items) => {
        const oneByOne = items.flatMap((one) => read(JSON.stringify(one)));
        expect(read(JSON.stringify(items))).toEqual(oneByOne);
      }),
      fuzz(500),
    );
  });

  test.each([
    ["an unknown type", `{"type":"shout","id":"m1"}`],
    ["no type", `{"id":"m1"}`],
    ["no text", `{"type":"send","id":"m1"}`],
    [
      "a text that is too large",
      JSON.stringify({ type: "send", id: "m1", text: "x".repeat(8_193) }),
    ],
    ["a bad name", `{"type":"send","id":"m1","text":"hi","to":["b@b"]}`],
    ["a bad position in an ack, which has no id", `{"type":"ack","seq":-1,"id":"m1"}`],
    [
      "a signal that is too large",
      JSON.stringify({ type: "signal", id: "m1", data: "x".repeat(1_024) }),
    ],
    ["a signal without data", `{"type":"signal","id":"m1"}`],
    ["a bad limit", `{"type":"history","id":"m1","limit":0}`],
    ["a bad page of who", `{"type":"who","id":"m1","after":7}`],
  ])("a rejection carries the id: %s", (_what, text) => {
    expect(read(text)).toMatchObject([{ type: "Invalid", refusal: { id: "m1" } }]);
  });

  test.each([
    ["none", `{"type":"send","text":"hi"}`],
    ["empty", `{"type":"send","id":"","text":"hi"}`],
    ["a number", `{"type":"send","id":1,"text":"hi"}`],
    ["65 characters", JSON.stringify({ type: "send", id: "x".repeat(65), text: "hi" })],
    ["half a character", String.raw`{"type":"send","id":"\ud800","text":"hi"}`],
  ])("an id that cannot be read is not repeated: %s", (_what, text) => {
    const [command] = read(text);
    expect(command).toMatchObject({ type: "Invalid", refusal: { code: "bad-frame" } });
    expect(command).not.toHaveProperty("refusal.id");
  });

  test.each([
    ["type", `{"type":"shout"}`, ["send", "ack", "signal", "history", "who"]],
    ["id", `{"type":"who"}`, ["1 to 64"]],
    ["text", `{"type":"send","id":"m1","text":""}`, ["not empty"]],
    ["to", `{"type":"send","id":"m1","text":"hi","to":[]}`, ["absent for everyone", "1 to 32"]],
    ["seq", `{"type":"ack"}`, ["whole number from 0"]],
    ["before", `{"type":"history","id":"h1","before":-1}`, ["whole number from 0", "absent"]],
    ["limit", `{"type":"history","id":"h1","limit":0}`, ["1 to 100", "absent"]],
    ["after", `{"type":"who","id":"w1","after":0}`, ["a string", "absent"]],
    ["data", `{"type":"signal"}`, ["any JSON value"]],
    [
      "data",
      JSON.stringify({ type: "signal", data: "x".repeat(1_023) }),
      ["1025 bytes", "1024 bytes"],
    ],
    [
      "text",
      JSON.stringify({ type: "send", id: "m1", text: "é".repeat(4_097) }),
      ["8194 bytes", "8192 bytes"],
    ],
    ["frame", "7", ["JSON object"]],
    ["frame", "hi", ["JSON text"]],
  ])("a rejection of `%s` says what was expected: %s", (field, text, expected) => {
    const [command] = read(text);
    const sentence = command?.type === "Invalid" ? command.refusal.message : "";
    expect(sentence.startsWith(`${field}: `)).toBe(true);
    for (const part of expected) expect(sentence).toContain(part);
  });

  test("the room's own limits apply, not the defaults", () => {
    const tight = { ...limits, text: 4, recipients: 1 };
    const outcome = (frame: object): unknown =>
      [...readFrame(JSON.stringify({ type: "send", id: "m1", ...frame }), tight)][0]?.type;
    expect(outcome({ text: "four" })).toBe("Message");
    expect(outcome({ text: "fiver" })).toBe("Invalid");
    expect(outcome({ text: "éé" })).toBe("Message");
    expect(outcome({ text: "ééx" })).toBe("Invalid");
    expect(outcome({ text: "hi", to: ["bob", "bob"] })).toBe("Message");
    expect(outcome({ text: "hi", to: ["bob", "carol"] })).toBe("Invalid");
  });
});

const hi = encodeEntry({
  type: "message",
  seq: seq(1),
  from: alice,
  text: "hi",
  id: "m1",
  at: 1_700,
});
const you = encodeEntry({
  type: "message",
  seq: seq(2),
  from: bob,
  to: [alice],
  text: 'a "b"\n\u2028',
  at: 1_701,
});
const HI = `{"type":"message","seq":1,"from":"alice","text":"hi","id":"m1","at":1700}`;
const YOU = `{"type":"message","seq":2,"from":"bob","to":["alice"],"text":"a \\"b\\"\\n\u2028","at":1701}`;

const quiet = { type: "presence", joined: [], left: [], online: 2, missed: false } as const;
const welcome: ServerMessage = {
  type: "welcome",
  room: room("lobby"),
  name: alice,
  epoch: "e1",
  head: seq(9),
  since: seq(4),
  online: 2,
  peers: [alice, bob],
  spread: 10,
};
const WELCOME = [
  `{"type":"welcome","room":"lobby","name":"alice","epoch":"e1","head":9,"since":4,"online":2`,
  `"peers":["alice","bob"]`,
  `"limits":{"text":8192,"data":4096,"patchHours":24,"frame":65536,"recipients":64,"window":256,"windowBytes":262144`,
  `"rate":50,"burst":500,"spread":10}}`,
].join();

describe("server messages", () => {
  const cases: readonly (readonly [string, readonly ServerMessage[], string])[] = [
    ["one entry", [{ type: "entries", entries: [hi] }], HI],
    ["two entries", [{ type: "entries", entries: [hi, you] }], `[${HI},${YOU}]`],
    ["a welcome", [welcome], WELCOME],
    ["a gap", [{ type: "gap", from: seq(5), to: seq(7) }], `{"type":"gap","from":5,"to":7}`],
    ["ready", [{ type: "ready", seq: seq(9) }], `{"type":"ready","seq":9}`],
    [
      "who came and who left",
      [{ ...quiet, joined: [alice, bob], left: [carol] }],
      `{"type":"presence","joined":["alice","bob"],"left":["carol"],"online":2}`,
    ],
    [
      "who came only",
      [{ ...quiet, joined: [bob] }],
      `{"type":"presence","joined":["bob"],"online":2}`,
    ],
    ["who left only", [{ ...quiet, left: [bob] }], `{"type":"presence","left":["bob"],"online":2}`],
    [
      "news that were missed",
      [{ ...quiet, missed: true }],
      `{"type":"presence","online":2,"missed":true}`,
    ],
    [
      "a signal to everyone",
      [{ type: "signal", from: alice, to: undefined, data: `{"typing":true}` }],
      `{"type":"signal","from":"alice","data":{"typing":true}}`,
    ],
    [
      "a signal to some",
      [{ type: "signal", from: alice, to: [bob], data: "null" }],
      `{"type":"signal","from":"alice","to":["bob"],"data":null}`,
    ],
    [
      "a page of history",
      [{ type: "history", id: 'h"1', entries: [hi, you], next: seq(1) }],
      `{"type":"history","id":"h\\"1","messages":[${HI},${YOU}],"next":1}`,
    ],
    [
      "an empty page that is not the last",
      [{ type: "history", id: "h1", entries: [], next: seq(0) }],
      `{"type":"history","id":"h1","messages":[],"next":0}`,
    ],
    [
      "the last page",
      [{ type: "history", id: "h1", entries: [], next: undefined }],
      `{"type":"history","id":"h1","messages":[]}`,
    ],
    [
      "who is there",
      [
        {
          type: "who",
          id: "w1",
          peers: [
            { name: alice, online: true },
            { name: bob, online: false },
          ],
          next: bob,
        },
      ],
      `{"type":"who","id":"w1","peers":[{"name":"alice","online":true},{"name":"bob","online":false}],"next":"bob"}`,
    ],
    [
      "the last page of who",
      [{ type: "who", id: "w1", peers: [], next: undefined }],
      `{"type":"who","id":"w1","peers":[]}`,
    ],
    [
      "a refusal",
      [{ type: "error", refusal: { code: "bad-ack", message: "seq: too high" } }],
      `{"type":"error","code":"bad-ack","message":"seq: too high"}`,
    ],
    [
      "a refusal with the id",
      [{ type: "error", refusal: { code: "unknown-peer", message: "to: bob", id: "m1" } }],
      `{"type":"error","code":"unknown-peer","message":"to: bob","id":"m1"}`,
    ],
    [
      "a turn of several",
      [welcome, { type: "entries", entries: [hi, you] }, { type: "ready", seq: seq(9) }],
      `[${WELCOME},${HI},${YOU},{"type":"ready","seq":9}]`,
    ],
    [
      "notices for people, which go to them only",
      [{ type: "away", names: [bob] }, { type: "help" }, { type: "ready", seq: seq(9) }],
      `{"type":"ready","seq":9}`,
    ],
    ["nothing", [], "[]"],
  ];

  test.each(cases)("%s", (_what, outs, text) => {
    expect(writeFrame(outs, limits)).toEqual({ text, bytes: Buffer.byteLength(text) });
  });

  test.each(cases)("conforms to its own schema: %s", (_what, _outs, text) => {
    for (const item of items(text)) expect(checked(item)).toEqual(item);
  });

  test.each<readonly [string, ServerMessage]>([
    ["entries", { type: "entries", entries: [hi, you], shared: true }],
    ["presence", { ...quiet, joined: [bob] }],
    ["a signal", { type: "signal", from: alice, to: undefined, data: "1" }],
  ])("a shared message is encoded once: %s", (_what, out) => {
    const frame = writeFrame([out], limits);
    expect(writeFrame([out], limits)).toBe(frame);
    expect(writeFrame([{ ...out }], limits)).toEqual(frame);
  });

  test("a shared message may go to one peer together with others", () => {
    const out: ServerMessage = { ...quiet, joined: [bob] };
    const { text } = writeFrame([out], limits);
    const more = writeFrame([out, { type: "ready", seq: seq(9) }], limits);
    expect(more.text).toBe(`[${text},{"type":"ready","seq":9}]`);
    expect(writeFrame([out], limits).text).toBe(text);
  });

  test("a welcome names the room's own limits", () => {
    const { text } = writeFrame([welcome], { ...limits, text: 10, window: 3 });
    expect(JSON.parse(text)).toMatchObject({ limits: { text: 10, window: 3, rate: 50 } });
  });

  test("an erased entry is sent as it is stored in the log", () => {
    const frame = `{"type":"message","seq":1,"from":"alice","text":"","at":1700,"erased":true,"by":"operator"}`;
    const erased = { ...hi, text: "", frame, bytes: frame.length };
    const { text } = writeFrame([{ type: "entries", entries: [erased] }], limits);
    expect(text).toBe(frame);
    expect(checked(JSON.parse(text))).toEqual(JSON.parse(text));
  });

  test("a frame is JSON that conforms to its schema and keeps the text, for any text", () => {
    const said = fc.array(fc.tuple(anyName, keptText, fc.option(fc.array(anyName))), {
      maxLength: 4,
    });
    fc.assert(
      fc.property(said, fc.jsonValue(), (entries, value) => {
        const data = JSON.stringify(value);
        const outs: ServerMessage[] = [
          {
            type: "entries",
            entries: entries.map(([from, text, to], index) =>
              encodeEntry({
                type: "message",
                seq: seq(index + 1),
                from,
                text,
                ...(to && { to }),
                at: index,
              }),
            ),
          },
          { type: "signal", from: bob, to: undefined, data },
        ];
        const { text, bytes } = writeFrame(outs, limits);
        const frames = items(text);
        expect(bytes).toBe(Buffer.byteLength(text));
        expect(frames.map(checked)).toEqual(frames);
        expect(frames.slice(0, -1)).toMatchObject(entries.map(([from, text]) => ({ from, text })));
        expect(frames.at(-1)).toMatchObject({ data: JSON.parse(data) });
      }),
      fuzz(500),
    );
  });
});

function items(text: string): unknown[] {
  const frame: unknown = JSON.parse(text);
  return Array.isArray(frame) ? frame : [frame];
}

/** The result of the schema's validator for one of the room's own frames. */
function checked(frame: unknown): unknown {
  const schema = Object.entries(serverFrames).find(
    ([type]) => type === (frame as { type: string }).type,
  );
  return schema && v.parse(schema[1], frame);
}

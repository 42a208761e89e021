/**
 * Bytes that no honest client sends, over a raw socket: the sender may lose its connection, and no other peer is
 * affected.
 */
import * as fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { fuzz } from "../support/arbitraries.ts";
import { closeFrameOf, frameOf, type Goodbye, OPCODE } from "../support/clients/raw-websocket.ts";
import { TestRoom } from "../support/clients/room.ts";
import { Server } from "../support/server/server.ts";

const { continuation, text, binary, close, ping } = OPCODE;
const V1 = { dialect: "chat.v1" } as const;
const LINE = { dialect: "chat.line" } as const;

let server: Server;
let rooms = 0;
beforeAll(async () => {
  server = await Server.starts();
});
afterAll(() => server.stop());

const freshRoom = (): TestRoom => new TestRoom(server, `frames-${++rooms}`);

/** A close by the room, in the words of the protocol. */
const byRoom = (code: number, reason: string): Goodbye => ({ code, reason });
/** A close by the runtime, which chooses the words itself. */
const byRuntime = (code: number): Goodbye => ({ code, reason: expect.any(String) as string });
/** The answer to a goodbye: its code, if that is one that may be sent; otherwise none, which reads as 1005. */
const answered = (code: number): Goodbye => ({ code, reason: "" });

const NOT_TEXT = byRoom(1003, "binary frames are not understood here: send text");
const TOO_BIG = byRoom(1009, "a frame may have 65536 bytes at most: send less at once");
const invalid = Buffer.from([0x66, 0xc3, 0x28, 0xff]);

const endings: readonly (readonly [string, readonly Uint8Array[], Goodbye])[] = [
  ["a binary frame", [frameOf(binary, "hi")], NOT_TEXT],
  ["an empty binary frame", [frameOf(binary, "")], NOT_TEXT],
  ["a binary frame that would be too big", [frameOf(binary, "x".repeat(100_000))], NOT_TEXT],
  ["100 kB of text", [frameOf(text, "x".repeat(100_000))], TOO_BIG],
  ["one byte too much", [frameOf(text, "x".repeat(65_537))], TOO_BIG],
  ["too many bytes of few characters", [frameOf(text, "é".repeat(32_769))], TOO_BIG],
  [
    "too much in fragments",
    [frameOf(text, "x".repeat(60_000), { fin: false }), frameOf(continuation, "x".repeat(60_000))],
    TOO_BIG,
  ],
  [
    "a length beyond all bounds",
    [Buffer.from("81ff800000000000000001020304", "hex")],
    byRuntime(1009),
  ],
  ["a length of a terabyte", [Buffer.from("81ff000001000000000001020304", "hex")], byRuntime(1009)],
  ["the first reserved bit", [frameOf(text, "hi", { reserved: 4 })], byRuntime(1002)],
  ["the second reserved bit", [frameOf(text, "hi", { reserved: 2 })], byRuntime(1002)],
  ["the third reserved bit", [frameOf(text, "hi", { reserved: 1 })], byRuntime(1002)],
  ["a continuation of nothing", [frameOf(continuation, "hi")], byRuntime(1002)],
  [
    "a message within a fragmented message",
    [frameOf(text, "hi", { fin: false }), frameOf(text, "ho")],
    byRuntime(1002),
  ],
  ["an opcode that does not exist", [frameOf(3, "hi")], byRuntime(1002)],
  ["a control opcode that does not exist", [frameOf(11, "hi")], byRuntime(1002)],
  ["a fragmented ping", [frameOf(ping, "hi", { fin: false })], byRuntime(1002)],
  ["a fragmented Close", [frameOf(close, "", { fin: false })], byRuntime(1002)],
  ["zeros", [Buffer.alloc(64)], byRuntime(1002)],
  [
    "a Close in the middle of a message",
    [frameOf(text, "hi", { fin: false }), closeFrameOf(1000)],
    answered(1000),
  ],
  ["a Close with 1000", [closeFrameOf(1000, "bye")], answered(1000)],
  ["a Close with a code of its own", [closeFrameOf(3456)], answered(3456)],
  ["a Close with 1001", [closeFrameOf(1001)], answered(1005)],
  ["a Close without a code", [frameOf(close, "")], answered(1005)],
  ["a Close with 1005, which may not be sent", [closeFrameOf(1005)], answered(1005)],
  ["a Close with 1006, which may not be sent", [closeFrameOf(1006)], answered(1005)],
  ["a Close with 1015, which may not be sent", [closeFrameOf(1015)], answered(1005)],
  ["a Close with 0", [closeFrameOf(0)], answered(1005)],
  ["a Close with 999", [closeFrameOf(999)], answered(1005)],
  ["a Close with 5000", [closeFrameOf(5000)], answered(1005)],
  ["a Close with half a code", [frameOf(close, Buffer.from([3]))], answered(1005)],
  [
    "a Close with a reason that is not UTF-8",
    [frameOf(close, Buffer.from([3, 0xe8, 0xff]))],
    answered(1000),
  ],
  ["a Close twice", [closeFrameOf(1000), closeFrameOf(1001)], answered(1000)],
  [
    "words after a Close",
    [closeFrameOf(1000), frameOf(text, '{"type":"send","id":"x","text":"*: x"}')],
    answered(1000),
  ],
];

describe.each([V1, LINE])("R7: a connection of $dialect ends with", ({ dialect }) => {
  test.each(endings)("%s, and the room goes on", async (_case, bytes, expected) => {
    const room = freshRoom();
    const bob = await room.joins("bob", V1);
    const mallory = await room.connectsRaw("mallory", [dialect]);
    await mallory.hears((texts) => texts.length === 1);
    mallory.sends(...bytes);
    expect(await mallory.goodbye()).toEqual(expected);
    // Frames on a connection that the room has ended are not processed; the client need not answer its Close.
    mallory.says('{"type":"send","id":"late","text":"*: from the grave"}');

    const carol = await room.joins("carol", V1);
    bob.says("for you all");
    await bob.hears("for you all");
    carol.says("and for mallory", { to: ["mallory", "bob"] });
    await carol.hears("and for mallory");
    await bob.hears("and for mallory");
    const returned = await room.joins("mallory", V1);
    await returned.hears("and for mallory");
    mallory.vanishes();

    const all = ["bob: for you all", "carol: and for mallory"];
    expect([bob.heard, carol.heard, returned.heard]).toEqual([all, all, all]);
    expect([bob, carol, returned].map(({ isCutOff }) => isCutOff)).toEqual([false, false, false]);
  });
});

const NOT_JSON = {
  type: "error",
  code: "bad-frame",
  message: "frame: JSON text was expected, an object or an array of objects",
};

describe("R7: a connection goes on after", () => {
  // The runtime's own leniency: it accepts unmasked frames, and repairs text that is not UTF-8.
  test.each([
    ["a frame that is not masked", [frameOf(text, "hi", { masked: false })], [NOT_JSON]],
    ["text that is not UTF-8", [frameOf(text, invalid)], [NOT_JSON]],
    ["an empty frame", [frameOf(text, "")], [NOT_JSON]],
    ["an empty array", [frameOf(text, "[]")], []],
    ["65,536 bytes of text", [frameOf(text, "x".repeat(65_536))], [NOT_JSON]],
    ["a ping that is too long", [frameOf(ping, "x".repeat(126))], []],
    [
      "a message in fragments with a ping between",
      [
        frameOf(text, '{"type":"wh', { fin: false }),
        frameOf(ping, "hi"),
        frameOf(continuation, 'o","id":"a"}'),
      ],
      [{ type: "who", id: "a", peers: [{ name: "mallory", online: true }] }],
    ],
  ])("%s", async (_case, bytes, expected) => {
    const mallory = await freshRoom().connectsRaw("mallory");
    mallory.sends(...bytes);
    mallory.says('{"type":"who","id":"last"}');
    await mallory.hears((texts) => texts.some((one) => one.includes('"last"')));
    const items = mallory.texts.flatMap((one) => JSON.parse(one) as unknown);
    const answers = items.filter((item) => !isPresence(item));
    const last = { type: "who", id: "last", peers: [{ name: "mallory", online: true }] };
    expect(answers.slice(2)).toEqual([...expected, last]);
    mallory.vanishes();
  });

  test("text that is not UTF-8, which is stored as well-formed Unicode", async () => {
    const room = freshRoom();
    const bob = await room.joins("bob", V1);
    const mallory = await room.connectsRaw("mallory");
    const said = [Buffer.from('{"type":"send","id":"a","text":"'), invalid, Buffer.from('"}')];
    mallory.sends(frameOf(text, Buffer.concat(said)));
    await bob.hears("f\ufffd(\ufffd");
    expect(bob.heard).toEqual(["mallory: f\ufffd(\ufffd"]);
    mallory.vanishes();
  });
});

const isPresence = (item: unknown): boolean =>
  typeof item === "object" && item !== null && "type" in item && item.type === "presence";

test("R7: whatever bytes come on any connection, the others talk on", async () => {
  const room = freshRoom();
  const bob = await room.joins("bob", V1);
  const carol = await room.joins("carol", V1);
  const word = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.json(),
    fc.constantFrom("ping", "/quit", "*: x", "[[]]", '[{"type":"ack","seq":-1},{"type":"who"}]'),
  );
  const frame = fc
    .record({
      opcode: fc.oneof({ weight: 3, arbitrary: fc.constant(1) }, fc.nat({ max: 15 })),
      content: fc.oneof(word, fc.uint8Array()),
      fin: fc.oneof({ weight: 4, arbitrary: fc.constant(true) }, fc.boolean()),
      reserved: fc.oneof({ weight: 4, arbitrary: fc.constant(0) }, fc.nat({ max: 7 })),
      masked: fc.boolean(),
    })
    .map(({ opcode, content, ...shape }) => frameOf(opcode, content, shape));
  const bytes = fc.array(fc.oneof({ weight: 4, arbitrary: frame }, fc.uint8Array()), {
    minLength: 1,
    maxLength: 12,
  });
  const expected: string[] = [];
  let run = 0;
  const property = fc.asyncProperty(bytes, fc.constantFrom(V1, LINE), async (sent, { dialect }) => {
    const number = ++run;
    const mallory = await room.connectsRaw(`mallory-${number}`, [dialect]);
    mallory.sends(...sent);
    bob.says(`${number}`, { to: ["carol"] });
    await carol.hears(`${number}`);
    carol.says(`${number} indeed`, { to: ["bob"] });
    await bob.hears(`${number} indeed`);
    await Promise.all([bob.isDone(), carol.isDone()]);
    mallory.vanishes();
    expected.push(`bob: ${number}`, `carol: ${number} indeed`);
  });
  await fc.assert(property, { ...fuzz(60), endOnFailure: true });

  const texts = [bob, carol].map(({ entries }) =>
    entries
      .filter(({ from }) => !from.startsWith("mallory"))
      .map(({ from, text: said }) => `${from}: ${said}`),
  );
  expect(texts).toEqual([expected, expected]);
  expect([bob.isCutOff, carol.isCutOff]).toEqual([false, false]);
});

test("R7: the server logged no error", async () => {
  expect(await server.loggedErrors()).toEqual([]);
});

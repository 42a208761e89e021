/**
 * Hostile frames of `chat.v1`, each with the result that the codec must give. A rejection is identified by its code,
 * the field that its sentence begins with, and its id. Tests run the codec on each frame, and the room on all of them.
 */
import type { Command } from "../../../src/core/event.ts";
import type { Data } from "../../../src/protocol/frames.ts";
import { peer, peers, seq, type Refusal } from "../../support/arbitraries.ts";

/** A valid frame with these fields replaced; `undefined` omits a field. */
export const send = (fields: object): string =>
  JSON.stringify({ type: "send", id: "m1", text: "hi", ...fields });
/** The same, for values that `JSON.stringify` cannot write. */
const rawSend = (fields: string): string => `{"type":"send","id":"m1",${fields}}`;
export const ack = (seq: string): string => `{"type":"ack","seq":${seq}}`;
export const signal = (data: string): string => `{"type":"signal","id":"m1","data":${data}}`;
export const history = (fields: object): string =>
  JSON.stringify({ type: "history", id: "m1", ...fields });
export const nested = (depth: number): string => "[".repeat(depth) + "]".repeat(depth);

const bad = (field: string, id?: string): Refusal => refusal("bad-frame", field, id);
const large = (field: string, id?: string): Refusal => refusal("too-large", field, id);
const refusal = (code: Refusal["code"], field: string, id: string | undefined): Refusal => ({
  code,
  begins: `${field}: `,
  ...(id !== undefined && { id }),
});

export type Outcome = Refusal | Command;
export type Row = readonly [what: string, frame: string, outcome: Outcome | readonly Outcome[]];

const notJson: readonly Row[] = [
  ["nothing", "", bad("frame")],
  ["a space", " ", bad("frame")],
  ["words", "hello there", bad("frame")],
  ["the other dialect", "bob: hi", bad("frame")],
  ["a ping in capitals", "PING", bad("frame")],
  ["an object cut short", `{"type":"send"`, bad("frame")],
  ["a string cut short", `{"type":"se`, bad("frame")],
  ["an array cut short", `[{"type":"ack","seq":1}`, bad("frame")],
  ["a comma too many", `{"type":"ack","seq":1,}`, bad("frame")],
  ["a comma too many in an array", `[{"type":"ack","seq":1},]`, bad("frame")],
  ["two objects", `{"type":"ack","seq":1}{"type":"ack","seq":2}`, bad("frame")],
  ["two objects on two lines", `{"type":"ack","seq":1}\n{"type":"ack","seq":2}`, bad("frame")],
  ["single quotes", `{'type':'ack','seq':1}`, bad("frame")],
  ["keys without quotes", `{type:"ack",seq:1}`, bad("frame")],
  ["a comment", `{"type":"ack",/* one */"seq":1}`, bad("frame")],
  ["a byte order mark", `\uFEFF{"type":"ack","seq":1}`, bad("frame")],
  ["a NUL", "\0", bad("frame")],
  ["a NUL after the object", `{"type":"ack","seq":1}\0`, bad("frame")],
  ["a raw NUL in a string", rawSend(`"text":"a\0b"`), bad("frame")],
  ["a raw line feed in a string", rawSend(`"text":"a\nb"`), bad("frame")],
  ["an unknown escape", rawSend(String.raw`"text":"\x41"`), bad("frame")],
  ["a short escape", rawSend(String.raw`"text":"\u12"`), bad("frame")],
  ["NaN", ack("NaN"), bad("frame")],
  ["Infinity", ack("Infinity"), bad("frame")],
  ["undefined", ack("undefined"), bad("frame")],
  ["a hexadecimal number", ack("0x10"), bad("frame")],
  ["a number with a leading zero", ack("01"), bad("frame")],
  ["a number with a plus sign", ack("+1"), bad("frame")],
  ["a number that begins with its point", ack(".5"), bad("frame")],
  ["bytes that look binary", "\u0082\u0001\u00ff\u0000\u0001", bad("frame")],
  ["a gzip header", "\u001f\u008b\u0008", bad("frame")],
  ["half a character", "\ud83d", bad("frame")],
  ["100,000 brackets that never close", "[".repeat(100_000), bad("frame")],
  ["100,000 braces that never close", `{"a":`.repeat(100_000), bad("frame")],
];

const notObjects: readonly Row[] = [
  ["null", "null", bad("frame")],
  ["true", "true", bad("frame")],
  ["a number", "7", bad("frame")],
  ["minus zero", "-0", bad("frame")],
  ["a number beyond all", "1e400", bad("frame")],
  ["a string", `"send"`, bad("frame")],
  ["a frame as a string", JSON.stringify(send({})), bad("frame")],
  ["an empty array is not wrong", "[]", { type: "Empty" }],
  ["an empty array in an array", "[[]]", bad("frame")],
  ["a frame in an array in an array", `[[${send({})}]]`, bad("frame")],
  ["100,000 nested brackets", nested(100_000), bad("frame")],
  ["null items", "[null,null]", [bad("frame"), bad("frame")]],
  [
    "items of every wrong kind",
    `[0,"a",true,[],null]`,
    Array.from({ length: 5 }, () => bad("frame")),
  ],
  [
    "a bad item among good ones",
    `[${ack("1")},7,${ack("2")}]`,
    [{ type: "Ack", seq: seq(1) }, bad("frame"), { type: "Ack", seq: seq(2) }],
  ],
  ["10,000 items", `[${"1,".repeat(9_999)}1]`, Array.from({ length: 10_000 }, () => bad("frame"))],
];

const types: readonly Row[] = [
  ["no field at all", "{}", bad("type")],
  ["no type", `{"id":"m1","text":"hi"}`, bad("type", "m1")],
  ["an empty type", send({ type: "" }), bad("type", "m1")],
  ["an unknown type", send({ type: "shout" }), bad("type", "m1")],
  ["a type of the room's", send({ type: "message" }), bad("type", "m1")],
  ["a type in capitals", send({ type: "SEND" }), bad("type", "m1")],
  ["a type with a space", send({ type: "send " }), bad("type", "m1")],
  ["a type with a NUL", send({ type: "send\0" }), bad("type", "m1")],
  ["`toString`", send({ type: "toString" }), bad("type", "m1")],
  ["`constructor`", send({ type: "constructor" }), bad("type", "m1")],
  ["`hasOwnProperty`", send({ type: "hasOwnProperty" }), bad("type", "m1")],
  ["`__proto__` as the type", send({ type: "__proto__" }), bad("type", "m1")],
  ["half a character as the type", send({ type: "\ud800" }), bad("type", "m1")],
  ["a number as the type", send({ type: 0 }), bad("type", "m1")],
  ["null as the type", send({ type: null }), bad("type", "m1")],
  ["an array as the type", send({ type: ["send"] }), bad("type", "m1")],
  ["an object as the type", send({ type: { type: "send" } }), bad("type", "m1")],
  ["a type of 60,000 characters", send({ type: "x".repeat(60_000) }), bad("type", "m1")],
  [
    "the type in `__proto__`",
    `{"__proto__":{"type":"send","text":"hi"},"id":"m1"}`,
    bad("type", "m1"),
  ],
  ["a type and an id that are bad", `{"type":"shout","id":7}`, bad("type")],
  [
    "two types: the last counts",
    `{"type":"send","type":"ack","seq":3}`,
    { type: "Ack", seq: seq(3) },
  ],
  ["two types, the last unknown", `{"type":"ack","seq":3,"type":"shout"}`, bad("type")],
];

const ids: readonly Row[] = [
  ["no id", send({ id: undefined }), bad("id")],
  ["an empty id", send({ id: "" }), bad("id")],
  ["null as the id", send({ id: null }), bad("id")],
  ["a number as the id", send({ id: 7 }), bad("id")],
  ["an array as the id", send({ id: ["m1"] }), bad("id")],
  ["an object as the id", send({ id: { toString: "m1" } }), bad("id")],
  ["an id of 65", send({ id: "x".repeat(65) }), bad("id")],
  [
    "an id of 64",
    send({ id: "x".repeat(64) }),
    { type: "Message", id: "x".repeat(64), text: "hi" },
  ],
  [
    "an id of 64 astral characters",
    send({ id: "𝒜".repeat(64) }),
    { type: "Message", id: "𝒜".repeat(64), text: "hi" },
  ],
  ["an id of 65 astral characters", send({ id: "𝒜".repeat(65) }), bad("id")],
  ["an id of 60,000", send({ id: "x".repeat(60_000) }), bad("id")],
  ["half a character in the id", send({ id: "a\ud800" }), bad("id")],
  [
    "half a character, escaped, in the id",
    rawSend(String.raw`"id":"a\uDC00","text":"hi"`),
    bad("id"),
  ],
  ["halves in the wrong order in the id", send({ id: "\udc00\ud800" }), bad("id")],
  [
    "the id as a property of the prototype",
    `{"type":"send","text":"hi","__proto__":{"id":"m1"}}`,
    bad("id"),
  ],
  [
    "an id of control characters",
    send({ id: "\n\0\u2028" }),
    { type: "Message", id: "\n\0\u2028", text: "hi" },
  ],
  [
    "two ids: the last counts",
    rawSend(`"id":"m2","text":"hi"`),
    { type: "Message", id: "m2", text: "hi" },
  ],
  [
    "`__proto__` as the id",
    send({ id: "__proto__" }),
    { type: "Message", id: "__proto__", text: "hi" },
  ],
  ["an id and a text that are bad", send({ id: "", text: "" }), bad("id")],
];

const texts: readonly Row[] = [
  ["no text", send({ text: undefined }), bad("text", "m1")],
  ["an empty text", send({ text: "" }), bad("text", "m1")],
  ["null as the text", send({ text: null }), bad("text", "m1")],
  ["a number as the text", send({ text: 12_345 }), bad("text", "m1")],
  ["an array as the text", send({ text: ["hi"] }), bad("text", "m1")],
  ["an object as the text", send({ text: { length: 1 } }), bad("text", "m1")],
  ["half a character", send({ text: "a\ud800b" }), bad("text", "m1")],
  ["half a character, escaped", rawSend(String.raw`"text":"a\ud800"`), bad("text", "m1")],
  ["the other half, escaped", rawSend(String.raw`"text":"\udc00a"`), bad("text", "m1")],
  ["halves in the wrong order", rawSend(String.raw`"text":"\udc00\ud800"`), bad("text", "m1")],
  [
    "a whole character, escaped",
    rawSend(String.raw`"text":"\ud83d\ude00"`),
    { type: "Message", id: "m1", text: "😀" },
  ],
  ["half a character raw, not escaped", rawSend(`"text":"\ud800"`), bad("text", "m1")],
  [
    "8,192 bytes",
    send({ text: "x".repeat(8_192) }),
    { type: "Message", id: "m1", text: "x".repeat(8_192) },
  ],
  ["8,193 bytes", send({ text: "x".repeat(8_193) }), large("text", "m1")],
  [
    "8,192 bytes of two a character",
    send({ text: "é".repeat(4_096) }),
    { type: "Message", id: "m1", text: "é".repeat(4_096) },
  ],
  ["8,193 bytes of two a character", send({ text: `${"é".repeat(4_096)}x` }), large("text", "m1")],
  [
    "8,192 bytes of three a character",
    send({ text: `${"你".repeat(2_730)}éx`.slice(0, 2_731) }),
    { type: "Message", id: "m1", text: `${"你".repeat(2_730)}é` },
  ],
  ["8,193 bytes of three a character", send({ text: "你".repeat(2_731) }), large("text", "m1")],
  [
    "8,192 bytes of four a character",
    send({ text: "😀".repeat(2_048) }),
    { type: "Message", id: "m1", text: "😀".repeat(2_048) },
  ],
  [
    "8,193 bytes of four a character",
    send({ text: `${"😀".repeat(2_048)}x` }),
    large("text", "m1"),
  ],
  [
    "8,192 bytes that take six each in JSON",
    send({ text: "\u0001".repeat(8_192) }),
    { type: "Message", id: "m1", text: "\u0001".repeat(8_192) },
  ],
  [
    "too large, and half a character",
    send({ text: `${"x".repeat(9_000)}\ud800` }),
    bad("text", "m1"),
  ],
  ["a NUL, escaped", send({ text: "\0" }), { type: "Message", id: "m1", text: "\0" }],
  [
    "a text that looks like a frame",
    send({ text: ack("1") }),
    { type: "Message", id: "m1", text: ack("1") },
  ],
  [
    "two texts: the last counts",
    rawSend(`"text":"one","text":"two"`),
    { type: "Message", id: "m1", text: "two" },
  ],
  ["two texts, the last empty", rawSend(`"text":"one","text":""`), bad("text", "m1")],
];

const sent = (...to: string[]): Command => ({
  type: "Message",
  id: "m1",
  text: "hi",
  to: to.map(peer),
});
const recipients: readonly Row[] = [
  ["an empty list", send({ to: [] }), bad("to", "m1")],
  ["null, which is not absent", send({ to: null }), bad("to", "m1")],
  ["false", send({ to: false }), bad("to", "m1")],
  ["a name, not a list", send({ to: "mallory" }), bad("to", "m1")],
  ["an object like a list", send({ to: { 0: "mallory", length: 1 } }), bad("to", "m1")],
  ["a list in the list", send({ to: [["mallory"]] }), bad("to", "m1")],
  ["a number in the list", send({ to: ["mallory", 7] }), bad("to", "m1")],
  ["null in the list", send({ to: [null] }), bad("to", "m1")],
  ["an object in the list", send({ to: [{}] }), bad("to", "m1")],
  ["an empty name", send({ to: ["mallory", ""] }), bad("to", "m1")],
  ["a star", send({ to: ["*"] }), bad("to", "m1")],
  ["two names in one", send({ to: ["mallory, bob"] }), bad("to", "m1")],
  ["a name with spaces around", send({ to: [" mallory "] }), bad("to", "m1")],
  ["a name with a line feed after", send({ to: ["mallory\n"] }), bad("to", "m1")],
  ["a name with a NUL", send({ to: ["mal\0lory"] }), bad("to", "m1")],
  ["a name that begins with its mark", send({ to: ["\u0301mallory"] }), bad("to", "m1")],
  ["a name that begins with a point", send({ to: [".mallory"] }), bad("to", "m1")],
  ["a name that begins with `_`", send({ to: ["__proto__"] }), bad("to", "m1")],
  [
    "`constructor` is a name",
    send({ to: ["constructor", "toString"] }),
    sent("constructor", "toString"),
  ],
  ["a slash", send({ to: ["mal/lory"] }), bad("to", "m1")],
  ["an emoji", send({ to: ["😀"] }), bad("to", "m1")],
  ["a zero-width joiner", send({ to: ["mal\u200dlory"] }), bad("to", "m1")],
  ["a right-to-left override", send({ to: ["mal\u202elory"] }), bad("to", "m1")],
  ["half a character", send({ to: ["mallory\ud800"] }), bad("to", "m1")],
  ["half a character, escaped", rawSend(String.raw`"text":"hi","to":["\ud835"]`), bad("to", "m1")],
  ["a name of 32", send({ to: ["x".repeat(32)] }), sent("x".repeat(32))],
  ["a name of 33", send({ to: ["x".repeat(33)] }), bad("to", "m1")],
  ["a name of 32 astral letters", send({ to: ["𝒜".repeat(32)] }), sent("𝒜".repeat(32))],
  ["a name of 33 astral letters", send({ to: ["𝒜".repeat(33)] }), bad("to", "m1")],
  [
    "33 that NFC makes 32",
    send({ to: [`${"x".repeat(31)}e\u0301`] }),
    sent(`${"x".repeat(31)}\u00e9`),
  ],
  ["17 that NFC makes 34", send({ to: ["\u0958".repeat(17)] }), bad("to", "m1")],
  ["16 that NFC makes 32", send({ to: ["\u0958".repeat(16)] }), sent("\u0915\u093c".repeat(16))],
  ["two that NFC makes one", send({ to: ["Zoe\u0301", "Zo\u00e9"] }), sent("Zo\u00e9")],
  [
    "the Ångström sign, which NFC makes a letter",
    send({ to: ["\u212b", "\u00c5", "A\u030a"] }),
    sent("\u00c5"),
  ],
  [
    "names that differ in case only",
    send({ to: ["mallory", "Mallory"] }),
    sent("mallory", "Mallory"),
  ],
  ["64 names", send({ to: peers(64) }), sent(...peers(64))],
  ["65 names", send({ to: peers(65) }), large("to", "m1")],
  ["65 names, 64 when repeats are merged", send({ to: [...peers(64), "a1"] }), sent(...peers(64))],
  ["10,000 times one name", send({ to: Array.from({ length: 10_000 }, () => "bob") }), sent("bob")],
  ["too many, and one of them bad", send({ to: [...peers(65), "m@llory"] }), large("to", "m1")],
  ["64, each twice", send({ to: [...peers(64), ...peers(64)] }), sent(...peers(64))],
  [
    "65 of which two are one name",
    send({ to: [...peers(64), "Zoe\u0301", "Zo\u00e9"] }),
    large("to", "m1"),
  ],
  [
    "a name of 64 KB of marks",
    send({ to: ["a" + "\u0301\u0327".repeat(10_000)] }),
    bad("to", "m1"),
  ],
  [
    "a text and names that are too large",
    send({ text: "x".repeat(9_000), to: peers(65) }),
    large("to", "m1"),
  ],
];

const acks: readonly Row[] = [
  ["no seq", `{"type":"ack"}`, bad("seq")],
  ["null", ack("null"), bad("seq")],
  ["a string", ack(`"12"`), bad("seq")],
  ["an array", ack("[12]"), bad("seq")],
  ["an object", ack("{}"), bad("seq")],
  ["true", ack("true"), bad("seq")],
  ["less than none", ack("-12"), bad("seq")],
  ["half an entry", ack("1.5"), bad("seq")],
  ["the least fraction", ack("5e-324"), bad("seq")],
  ["a number beyond all", ack("1e400"), bad("seq")],
  ["a number below all", ack("-1e400"), bad("seq")],
  ["2^53", ack("9007199254740992"), bad("seq")],
  ["2^63", ack("9223372036854775808"), bad("seq")],
  ["300 digits", ack("9".repeat(300)), bad("seq")],
  ["a k that is empty", '{"type":"ack","seq":1,"k":""}', bad("k")],
  ["a k that is a number", '{"type":"ack","seq":1,"k":7}', bad("k")],
  ["a k that is null", '{"type":"ack","seq":1,"k":null}', bad("k")],
  ["a k with a space", '{"type":"ack","seq":1,"k":"a b"}', bad("k")],
  ["a k that is too long", `{"type":"ack","seq":1,"k":"${"k".repeat(17)}"}`, bad("k")],
  ["a whole number written with an exponent", ack("12e2"), { type: "Ack", seq: seq(1_200) }],
  ["a whole number written with a fraction", ack("12.0"), { type: "Ack", seq: seq(12) }],
  ["a number that rounds to zero", ack("1e-400"), { type: "Ack", seq: seq(0) }],
  [
    "two of them: the last counts",
    `{"type":"ack","seq":"x","seq":4}`,
    { type: "Ack", seq: seq(4) },
  ],
  ["with an id, which it has not", `{"type":"ack","id":"m1","seq":-1}`, bad("seq", "m1")],
];

const signalled = (data: string): Command => ({ type: "Signal", data });
const signals: readonly Row[] = [
  ["no data", `{"type":"signal","id":"m1"}`, bad("data", "m1")],
  ["null", signal("null"), signalled("null")],
  ["false", signal("false"), signalled("false")],
  ["an empty string", signal(`""`), signalled(`""`)],
  ["white space is not kept", signal(`{ "a" : [ 1 ] }`), signalled(`{"a":[1]}`)],
  ["a number beyond all is parsed as JSON does", signal("1e400"), signalled("null")],
  ["minus zero", signal("-0"), signalled("0")],
  ["half a character", signal(String.raw`"\ud800"`), bad("data", "m1")],
  ["half a character deep in a list", signal(String.raw`[[["\udfff"]]]`), bad("data", "m1")],
  ["half a character in a value", signal(String.raw`{"a":{"b":"\ud800"}}`), bad("data", "m1")],
  ["half a character in a key", signal(String.raw`{"\ud800":1}`), bad("data", "m1")],
  [
    "half a character in a key deep down",
    signal(String.raw`[{"a":[{"\udc00":null}]}]`),
    bad("data", "m1"),
  ],
  ["half a character raw", signal(`"\ud800"`), bad("data", "m1")],
  ["a whole character, escaped", signal(String.raw`"\ud83d\ude00"`), signalled(`"😀"`)],
  [
    "`__proto__` is a key like others",
    signal(`{"__proto__":{"admin":true}}`),
    signalled(`{"__proto__":{"admin":true}}`),
  ],
  [
    "half a character below `__proto__`",
    signal(String.raw`{"__proto__":"\ud800"}`),
    bad("data", "m1"),
  ],
  ["`toJSON` is a key like others", signal(`{"toJSON":"x"}`), signalled(`{"toJSON":"x"}`)],
  ["duplicate keys: the last counts", signal(`{"a":1,"a":2}`), signalled(`{"a":2}`)],
  [
    "1,024 bytes",
    signal(JSON.stringify("x".repeat(1_022))),
    signalled(JSON.stringify("x".repeat(1_022))),
  ],
  ["1,025 bytes", signal(JSON.stringify("x".repeat(1_023))), large("data", "m1")],
  [
    "1,024 bytes of three a character",
    signal(JSON.stringify(`${"你".repeat(340)}xx`)),
    signalled(`"${"你".repeat(340)}xx"`),
  ],
  [
    "1,025 bytes of three a character",
    signal(JSON.stringify("你".repeat(341))),
    large("data", "m1"),
  ],
  ["1,026 bytes that were fewer as escaped", signal(`"${"\\n".repeat(512)}"`), large("data", "m1")],
  ["more bytes as text than re-encoded", signal(`[${" ".repeat(5_000)}]`), signalled("[]")],
  ["512 brackets", signal(nested(512)), signalled(nested(512))],
  ["513 brackets", signal(nested(513)), large("data", "m1")],
  ["to nobody", `{"type":"signal","id":"m1","data":1,"to":[]}`, bad("to", "m1")],
  ["to null", `{"type":"signal","id":"m1","data":1,"to":null}`, bad("to", "m1")],
  ["to a bad name", `{"type":"signal","id":"m1","data":1,"to":["mal lory"]}`, bad("to", "m1")],
  [
    "to half a character",
    String.raw`{"type":"signal","id":"m1","data":1,"to":["\ud800"]}`,
    bad("to", "m1"),
  ],
  [
    "to 64, one of them twice",
    JSON.stringify({ type: "signal", data: 1, to: [...peers(64), "a1"] }),
    { type: "Signal", data: "1", to: peers(64) },
  ],
  [
    "R8 to 65",
    JSON.stringify({ type: "signal", id: "m1", data: 1, to: peers(65) }),
    large("to", "m1"),
  ],
];

const queries: readonly Row[] = [
  ["history without an id", history({ id: undefined }), bad("id")],
  ["limit 0", history({ limit: 0 }), bad("limit", "m1")],
  ["limit 1", history({ limit: 1 }), { type: "History", id: "m1", limit: 1 }],
  ["limit 101", history({ limit: 101 }), bad("limit", "m1")],
  ["limit −1", history({ limit: -1 }), bad("limit", "m1")],
  ["limit 1.5", history({ limit: 1.5 }), bad("limit", "m1")],
  ["limit −0", `{"type":"history","id":"m1","limit":-0}`, bad("limit", "m1")],
  ["limit beyond all", `{"type":"history","id":"m1","limit":1e400}`, bad("limit", "m1")],
  ["limit null", history({ limit: null }), bad("limit", "m1")],
  ["limit as a string", history({ limit: "50" }), bad("limit", "m1")],
  ["before −1", history({ before: -1 }), bad("before", "m1")],
  ["before 1.5", history({ before: 1.5 }), bad("before", "m1")],
  ["before null", history({ before: null }), bad("before", "m1")],
  ["before as a string", history({ before: "9" }), bad("before", "m1")],
  ["before 2^53", history({ before: 2 ** 53 }), bad("before", "m1")],
  ["before 0", history({ before: 0 }), { type: "History", id: "m1", before: seq(0), limit: 50 }],
  ["who without an id", `{"type":"who"}`, bad("id")],
  ["after null", `{"type":"who","id":"m1","after":null}`, bad("after", "m1")],
  ["after a number", `{"type":"who","id":"m1","after":12}`, bad("after", "m1")],
  [
    "after half a character",
    String.raw`{"type":"who","id":"m1","after":"\ud800"}`,
    bad("after", "m1"),
  ],
  ["after nobody", `{"type":"who","id":"m1","after":""}`, { type: "Who", id: "m1", after: "" }],
  [
    "after what is no name",
    `{"type":"who","id":"m1","after":"*"}`,
    { type: "Who", id: "m1", after: "*" },
  ],
];

const HUGE = "9".repeat(400);
const data = (value: string, more = ""): string => rawSend(`"text":"hi","data":${value}${more}`);
const objects = (depth: number): string => '{"a":'.repeat(depth - 1) + "{}" + "}".repeat(depth - 1);
const carries = (value: string): Outcome => ({
  type: "Message",
  id: "m1",
  text: "hi",
  data: JSON.parse(value) as Data,
});
/** What these keys hold stays a plain field of the object. */
const odd = '{"__proto__":{"x":1},"constructor":2,"toJSON":3,"prototype":{}}';

const contents: readonly Row[] = [
  ["an empty object", data("{}"), carries("{}")],
  ["keys of prototypes", data(odd), carries(odd)],
  ["16 levels", data(objects(16)), carries(objects(16))],
  ["17 levels", data(objects(17)), bad("data", "m1")],
  ["16 levels that end in a list", data(`{"a":${nested(15)}}`), carries(`{"a":${nested(15)}}`)],
  ["17 levels that end in a list", data(`{"a":${nested(16)}}`), bad("data", "m1")],
  ["5,000 brackets", data(`{"a":${nested(5_000)}}`), bad("data", "m1")],
  ["the largest number", data('{"a":1.7e308}'), carries('{"a":1.7e308}')],
  ["a number beyond all", data('{"a":1e999}'), bad("data", "m1")],
  ["a number beyond all, below", data('{"a":[-1e999]}'), bad("data", "m1")],
  ["400 digits", data(`{"a":${HUGE}}`), bad("data", "m1")],
  ["half a character", data(String.raw`{"a":"\ud800"}`), bad("data", "m1")],
  ["half a character as key", data(String.raw`{"\udc00":1}`), bad("data", "m1")],
  ["a list", data("[]"), bad("data", "m1")],
  ["null", data("null"), bad("data", "m1")],
  ["a string", data('"x"'), bad("data", "m1")],
  ["a number", data("7"), bad("data", "m1")],
  ["4,096 bytes", data(`{"a":"${"x".repeat(4_088)}"}`), carries(`{"a":"${"x".repeat(4_088)}"}`)],
  ["4,097 bytes", data(`{"a":"${"x".repeat(4_089)}"}`), large("data", "m1")],
  ["4,098 bytes of accents", data(`{"a":"${"é".repeat(2_045)}"}`), large("data", "m1")],
  ["blanks that are not counted", data(`{ ${" ".repeat(5_000)}"a":1}`), carries('{"a":1}')],
  ["of two, the last", data('{"a":1,"a":2}'), carries('{"a":2}')],
];

const references: readonly Row[] = [
  ["to 0", send({ ref: 0 }), bad("ref", "m1")],
  ["to −1", send({ ref: -1 }), bad("ref", "m1")],
  ["to 1.5", send({ ref: 1.5 }), bad("ref", "m1")],
  ["to 2^53", send({ ref: 2 ** 53 }), bad("ref", "m1")],
  ["to null", send({ ref: null }), bad("ref", "m1")],
  ["as a string", send({ ref: "1" }), bad("ref", "m1")],
  ["quiet as a string", send({ quiet: "true" }), bad("quiet", "m1")],
  ["quiet as 1", send({ quiet: 1 }), bad("quiet", "m1")],
  ["quiet null", send({ quiet: null }), bad("quiet", "m1")],
];

const patch = (fields: object): string =>
  JSON.stringify({ type: "patch", id: "p1", ref: 4, ...fields });

const patches: readonly Row[] = [
  ["of nothing", patch({ ref: undefined, text: "x" }), bad("ref", "p1")],
  ["of 0", patch({ ref: 0, text: "x" }), bad("ref", "p1")],
  ["without an id", patch({ id: undefined, text: "x" }), bad("id")],
  ["with nothing in it", patch({}), bad("patch", "p1")],
  ["with a recipient only", patch({ to: ["bob"] }), bad("patch", "p1")],
  ["to no text", patch({ text: "" }), bad("text", "p1")],
  ["to a text that is none", patch({ text: 7 }), bad("text", "p1")],
  ["to half a character", patch({ text: "\ud800" }), bad("text", "p1")],
  ["to a long text", patch({ text: "x".repeat(8_193) }), large("text", "p1")],
  ["to a list as data", patch({ data: [] }), bad("data", "p1")],
  ["to large data", patch({ data: { a: "x".repeat(4_096) } }), large("data", "p1")],
  ["that erases not", patch({ erase: false }), bad("erase", "p1")],
  ["that erases 1", patch({ erase: 1 }), bad("erase", "p1")],
  ["that erases and changes", patch({ erase: true, text: "x" }), bad("erase", "p1")],
  ["that erases and has data", patch({ erase: true, data: {} }), bad("erase", "p1")],
];

/** All tables, by kind of fault. */
export const HOSTILE_JSON: readonly (readonly [group: string, rows: readonly Row[]])[] = [
  ["not JSON", notJson],
  ["JSON, but no objects", notObjects],
  ["type", types],
  ["id", ids],
  ["text", texts],
  ["to", recipients],
  ["ack", acks],
  ["signal", signals],
  ["history and who", queries],
  ["data", contents],
  ["ref and quiet", references],
  ["patch", patches],
];

/**
 * Hostile frames of `chat.line`, each with the result that the codec must give. A rejection is identified by its code
 * and the beginning of its sentence.
 */
import type { Command } from "../../../src/core/event.ts";
import { peer, peers, type Refusal } from "../../support/arbitraries.ts";

const bad = (begins: string): Refusal => ({ code: "bad-frame", begins });
const large = (begins: string): Refusal => ({ code: "too-large", begins });
const toWhom = bad("to whom? ");
const names = bad("before the colon: ");
const nothing = bad("nothing after the colon: ");
const text = bad("the text ");
const noCommand = bad("no such command; ");
const words = bad("too many words after the command; ");
const number = bad("write /history, or /history and a number from 1 to 100");
const whoName = bad("/who: ");

const sent = (text: string, ...to: string[]): Command => ({
  type: "Message",
  text,
  to: to.map(peer),
});
const all = (text: string): Command => ({ type: "Message", text });
const page = (limit: number): Command => ({ type: "History", limit });

export type Outcome = Refusal | Command;
export type Row = readonly [what: string, frame: string, outcome: Outcome | readonly Outcome[]];

const empty: readonly Row[] = [
  ["nothing", "", { type: "Empty" }],
  ["a line feed", "\n", { type: "Empty" }],
  ["a carriage return", "\r", { type: "Empty" }],
  ["10,000 empty lines", "\r\n".repeat(10_000), { type: "Empty" }],
  ["white space of many kinds", " \t\v\f\u00a0\u2003\u3000\ufeff", { type: "Empty" }],
  ["line separators only", "\u2028\u2029", { type: "Empty" }],
  ["empty lines around", "\n\n*: hi\n\n", all("hi")],
  ["carriage returns within a word are ignored", "b\ro\rb: h\ri", sent("hi", "bob")],
  ["carriage returns within a command are ignored", "/wh\ro\r", { type: "Who" }],
  ["carriage returns alone do not end a line", "*: a\r*: b", all("a*: b")],
  ["a line separator does not end a line", "*: a\u2028*: b", all("a\u2028*: b")],
  ["U+0085 does not end a line", "*: a\u0085*: b", all("a\u0085*: b")],
  ["a vertical tab does not end a line", "*: a\v*: b", all("a\v*: b")],
  ["a NUL is no white space", "\0", toWhom],
];

const colons: readonly Row[] = [
  ["no colon", "hello there", toWhom],
  ["a full-width colon", "mallory： hi", sent("hi", "mallory")],
  ["a full-width colon in the text", "mallory: hi：you", sent("hi：you", "mallory")],
  [
    "a full-width colon first, one of ASCII in the text",
    "mallory：hi: you",
    sent("hi: you", "mallory"),
  ],
  ["a full-width colon after a star", "*：hi", all("hi")],
  ["a colon of a script whose keyboard writes no names", "mallory\ua789 hi", toWhom],
  ["a semicolon", "mallory; hi", toWhom],
  ["a ping in capitals", "PING", toWhom],
  ["half a character", "\ud800", toWhom],
  ["64 KiB without a colon", "x".repeat(65_536), toWhom],
  ["a colon first", ": hi", names],
  ["only a colon", ":", nothing],
  ["two colons", "::", names],
  ["colons only", ":::::", names],
  ["60,000 colons", ":".repeat(60_000), names],
  ["no text", "mallory:", nothing],
  ["a text of white space", "mallory: \t\u00a0\u3000", nothing],
  ["a text of line separators", "mallory:\u2028\u2029", nothing],
  ["no text for everyone", "*:", nothing],
  ["neither a name that is one nor text", "m@llory:", nothing],
  ["a text that is a colon", "bob: :", sent(":", "bob")],
  ["a text that is a command", "bob: /quit", sent("/quit", "bob")],
  ["an address of the web", "http://mallory.example/", sent("//mallory.example/", "http")],
  ["a time", "12:30", sent("30", "12")],
  ["a frame of the other dialect", `{"type":"send","id":"m1","text":"hi"}`, names],
  ["an ack of the other dialect, in an array", `[{"type":"ack"}]`, names],
  ["a NUL as the text", "bob: \0", sent("\0", "bob")],
  [
    "control characters in the text are the reader's",
    "bob: \u001b[2J\u0007",
    sent("\u001b[2J\u0007", "bob"),
  ],
  ["half a character in the text", "bob: a\ud83d", text],
  ["the other half in the text", "*: \ude00", text],
  ["halves in the wrong order", "*: \ude00\ud83d", text],
  ["a whole character", "*: \ud83d\ude00", all("😀")],
];

const recipients: readonly Row[] = [
  ["an empty name between", "mallory,,bob: hi", names],
  ["an empty name first", ",mallory: hi", names],
  ["an empty name last", "mallory, : hi", names],
  ["commas only", ",,,: hi", names],
  ["spaces around names", "  bob\t, \u00a0carol  : hi", sent("hi", "bob", "carol")],
  ["a space within a name", "mal lory: hi", names],
  ["a tab within a name", "mal\tlory: hi", names],
  ["a forged message", "from mallory: hi", names],
  ["`from` is a name", "from: hi", sent("hi", "from")],
  ["a forged notice", "* mallory joined", toWhom],
  ["a forged notice with a colon", "* mallory: hi", names],
  ["a forged line that goes on", "  bob: hi", sent("hi", "bob")],
  ["two stars", "**: hi", names],
  ["two stars, apart", "*,*: hi", names],
  ["a star and a name", "*, mallory: hi", names],
  ["a name and a star", "mallory,*: hi", names],
  ["a star within a name", "mal*lory: hi", names],
  ["a star with spaces", "  *  : hi", all("hi")],
  ["a star of another script", "＊: hi", names],
  ["a star and a comma", "*,: hi", names],
  ["an at sign", "@mallory: hi", names],
  ["quotes", `"mallory": hi`, names],
  ["brackets", "[mallory]: hi", names],
  ["a slash within", "mal/lory: hi", names],
  ["a backslash", String.raw`mal\lory: hi`, names],
  ["a hyphen first", "-mallory: hi", names],
  ["an underscore first", "__proto__: hi", names],
  ["`constructor` is a name", "constructor, toString: hi", sent("hi", "constructor", "toString")],
  ["a mark first", "\u0301mallory: hi", names],
  ["an emoji", "😀: hi", names],
  ["half a character in a name", "mallory\ud835: hi", names],
  ["half a character in name and text", "mallory\ud835: \ud835", text],
  ["a NUL before a name", "\0mallory: hi", names],
  ["a NUL in a name", "mal\0lory: hi", names],
  ["an escape sequence in a name", "\u001b[31mmallory: hi", names],
  ["a right-to-left override in a name", "mal\u202elory: hi", names],
  ["a zero-width space in a name", "mal\u200blory: hi", names],
  ["a zero-width joiner in a name", "mal\u200dlory: hi", names],
  ["a byte order mark before the name is white space", "\ufeffbob: hi", sent("hi", "bob")],
  ["a line separator before the name is white space", "\u2028bob: hi", sent("hi", "bob")],
  ["a line separator within a name", "mal\u2028lory: hi", names],
  ["a delete character in a name", "mallory\u007f: hi", names],
  ["a name of 32", `${"x".repeat(32)}: hi`, sent("hi", "x".repeat(32))],
  ["a name of 33", `${"x".repeat(33)}: hi`, names],
  ["a name of 32 astral letters", `${"𝒜".repeat(32)}: hi`, sent("hi", "𝒜".repeat(32))],
  ["a name of 33 astral letters", `${"𝒜".repeat(33)}: hi`, names],
  ["17 that NFC makes 34", `${"\u0958".repeat(17)}: hi`, names],
  ["a name of 60,000", `${"x".repeat(60_000)}: hi`, names],
  ["two that NFC makes one", "Zoe\u0301, Zo\u00e9: hi", sent("hi", "Zo\u00e9")],
  ["names that differ in case only", "mallory, Mallory: hi", sent("hi", "mallory", "Mallory")],
  ["digits of other scripts", "٣, ３: hi", sent("hi", "٣", "３")],
  ["64 names", `${peers(64).join()}: hi`, sent("hi", ...peers(64))],
  ["65 names", `${peers(65).join()}: hi`, large("to: 65 names, at most 64 ")],
  [
    "65 names, 64 when repeats are merged",
    `${[...peers(64), "a1"].join()}: hi`,
    sent("hi", ...peers(64)),
  ],
  ["10,000 times one name", `${"bob,".repeat(9_999)}bob: hi`, sent("hi", "bob")],
  [
    "too many, and one of them bad",
    `${peers(65).join()},m@llory: hi`,
    large("to: 66 names, at most 64 "),
  ],
  ["64, each twice", `${[...peers(64), ...peers(64)].join(", ")}: hi`, sent("hi", ...peers(64))],
  ["a name of marks", `a${"\u0301\u0327".repeat(10_000)}: hi`, names],
  ["full-width commas", "mallory，bob、 carol：hi", sent("hi", "mallory", "bob", "carol")],
];

const sizes: readonly Row[] = [
  ["8,192 bytes", `*: ${"x".repeat(8_192)}`, all("x".repeat(8_192))],
  ["8,193 bytes", `*: ${"x".repeat(8_193)}`, large("text: 8193 bytes, at most 8192 bytes ")],
  ["8,192 bytes and white space around", `*:   ${"x".repeat(8_192)}   `, all("x".repeat(8_192))],
  ["8,192 bytes of two a character", `bob: ${"é".repeat(4_096)}`, sent("é".repeat(4_096), "bob")],
  ["8,193 bytes of two a character", `bob: ${"é".repeat(4_096)}x`, large("text: 8193 bytes, ")],
  ["8,192 bytes of four a character", `*: ${"😀".repeat(2_048)}`, all("😀".repeat(2_048))],
  ["8,193 bytes of four a character", `*: ${"😀".repeat(2_048)}x`, large("text: 8193 bytes, ")],
  ["8,193 bytes of three a character", `*: ${"你".repeat(2_731)}`, large("text: 8193 bytes, ")],
  ["10,000 lines", "hi\n".repeat(10_000), Array.from({ length: 10_000 }, () => toWhom)],
];

const slashes: readonly Row[] = [
  ["only a slash", "/", noCommand],
  ["two slashes", "//", noCommand],
  ["an unknown command", "/shout", noCommand],
  ["an unknown command with many words", "/me greets mallory", words],
  ["a command in capitals", "/WHO", noCommand],
  ["a command of the prototype", "/__proto__", noCommand],
  ["another command of the prototype", "/constructor", noCommand],
  ["a command with a colon", "/who: hi", noCommand],
  ["a command with a NUL", "/who\0", noCommand],
  ["a command with a letter from another script", "/whо", noCommand],
  ["a slash and a space", "/ who", noCommand],
  ["a command after white space", " \t/who ", { type: "Who" }],
  ["a command of 60,000", `/${"x".repeat(60_000)}`, noCommand],
  ["half a character", "/\ud800", noCommand],
  ["/who of two", "/who mallory carol", words],
  ["/who of an invalid name", "/who m@llory", whoName],
  ["/who of a star", "/who *", whoName],
  ["/who of 33", `/who ${"x".repeat(33)}`, whoName],
  ["/who after a wide space", "/who\u3000bob", { type: "Who", after: "bob" }],
  ["/who of a name that is not NFC", "/who Zoe\u0301", { type: "Who", after: "Zo\u00e9" }],
  ["/help with a word", "/help mallory", bad("write /help by itself")],
  ["/quit with a word", "/quit mallory", bad("write /quit by itself")],
  ["/quit with many", "/quit and never return", words],
  ["/history 0", "/history 0", number],
  ["/history 1", "/history 1", page(1)],
  ["/history 100", "/history 100", page(100)],
  ["/history 101", "/history 101", number],
  ["/history 999", "/history 999", number],
  ["/history 1000", "/history 1000", number],
  ["/history −1", "/history -1", number],
  ["/history +5", "/history +5", number],
  ["/history 1.5", "/history 1.5", number],
  ["/history 1e1", "/history 1e1", number],
  ["/history 0x10", "/history 0x10", number],
  ["/history 007", "/history 007", page(7)],
  ["/history of a huge number", `/history ${"9".repeat(400)}`, number],
  ["/history Infinity", "/history Infinity", number],
  ["/history NaN", "/history NaN", number],
  ["/history of a word", "/history mallory", number],
  ["/history of digits of another script", "/history ٣", number],
  ["/history of a number with a comma", "/history 1,0", number],
  ["/history of two numbers", "/history 1 2", words],
  ["/history after a tab", "/history\t5", page(5)],
  ["/history with its number on the next line", "/history\n5", [page(50), toWhom]],
];

const several: readonly Row[] = [
  ["good and bad lines", "*: one\noops\n*: two", [all("one"), toWhom, all("two")]],
  [
    "lines after goodbye are read, if somebody listens",
    "/quit\n*: hi",
    [{ type: "Quit" }, all("hi")],
  ],
  ["a message that looks like several", "*: a\n  b", [all("a"), toWhom]],
  ["every command", "/who\r\n/help\r\n/history\r\n", [{ type: "Who" }, { type: "Help" }, page(50)]],
];

/** All tables, by kind of oddity. */
export const HOSTILE_LINES: readonly (readonly [group: string, rows: readonly Row[]])[] = [
  ["empty lines and line ends", empty],
  ["colons and texts", colons],
  ["names", recipients],
  ["sizes", sizes],
  ["commands", slashes],
  ["several lines", several],
];

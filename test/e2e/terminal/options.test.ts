/** The command line: every way to give an option, and every way to get one wrong. */
import { expect, test } from "vitest";
import { HELP } from "../../../src/apps/terminal/help.ts";
import { readOptions } from "../../../src/apps/terminal/options.ts";

const PRESET = {
  name: "alice",
  room: "lobby",
  url: new URL("http://localhost:8787"),
  json: false,
  numbers: false,
  timeoutMs: 30_000,
};

test.each([
  ["a name", ["alice"], {}, {}],
  ["a name and a room", ["alice", "den"], {}, { room: "den" }],
  ["a name that is not normalised", ["A\u030ase"], {}, { name: "\u00c5se" }],
  ["--numbers", ["alice", "--numbers"], {}, { numbers: true }],
  ["flags before the name", ["--json", "alice"], {}, { json: true }],
  [
    "a value after =",
    ["alice", "--url=wss://chat.example.org"],
    {},
    { url: new URL("wss://chat.example.org") },
  ],
  ["a URL without a scheme", ["alice", "--url", "localhost:8787"], {}, {}],
  ["a URL with a path", ["alice", "--url=h/chat/"], {}, { url: new URL("https://h/chat") }],
  ["a value as a word", ["alice", "--url", "https://h:1/"], {}, { url: new URL("https://h:1/") }],
  ["a repeated flag: the last one", ["alice", "--since", "1", "--since", "2"], {}, { since: 2 }],
  ["--since 0", ["alice", "--since", "0"], {}, { since: 0 }],
  ["--timeout, a fraction of a second", ["alice", "--timeout", "0.5"], {}, { timeoutMs: 500 }],
  ["--timeout 0: no limit", ["alice", "--timeout", "0"], {}, { timeoutMs: Infinity }],
  ["a key", ["alice", "--key", "k"], {}, { key: "k" }],
  ["a key that begins with -", ["alice", "--key=-k"], {}, { key: "-k" }],
  ["a key from the environment", ["alice"], { CHAT_KEY: "e" }, { key: "e" }],
  ["a key from both: the flag", ["alice", "--key", "k"], { CHAT_KEY: "e" }, { key: "k" }],
  ["an empty key: none", ["alice", "--key", ""], { CHAT_KEY: "e" }, {}],
])("reads %s", (_case, args, env, expected) => {
  expect(readOptions(args, env)).toEqual({ type: "chat", options: { ...PRESET, ...expected } });
});

test.each([
  ["no name", [], "give a name"],
  ["a third word", ["alice", "lobby", "hi", "all"], 'too many arguments: "hi all"'],
  ["a bad name", ["al ice"], '"al ice" is not a valid name: a name has 1 to 32'],
  [
    "the address of a server where the room should be",
    ["alice", "http://localhost:9000"],
    '"http://localhost:9000" looks like the address of a server: write --url http://localhost:9000',
  ],
  ["the address of a server where the name should be", ["wss://h", "alice"], "write --url wss://h"],
  ["a bad room", ["alice", "../x"], '"../x" is not a valid room name'],
  ["an unknown flag", ["alice", "--nope"], "unknown option --nope; the options are --url, --key,"],
  ["an unknown flag with a value", ["alice", "--nope=1"], "unknown option --nope;"],
  ["an unknown short flag", ["alice", "-x"], "unknown option -x;"],
  [
    "a flag named like a property of all objects",
    ["alice", "--constructor"],
    "unknown option --constructor",
  ],
  ["a negated flag", ["alice", "--no-json"], "unknown option --no-json"],
  ["a missing value", ["alice", "--url"], "--url needs a value"],
  ["a flag where a value should be", ["alice", "--url", "--json"], "--url needs a value"],
  ["a value of a flag without one", ["alice", "--json=yes"], "--json takes no value"],
  ["a URL of another scheme", ["alice", "--url", "ftp://h"], "--url: expected"],
  ["no URL", ["alice", "--url", ""], "--url: expected"],
  ["a URL with a password", ["alice", "--url", "http://a:b@h"], "--url: no user or password"],
  [
    "a URL of a room",
    ["alice", "--url", "ws://h/rooms/lobby?name=alice"],
    "--url: neither ? nor # belongs into the address",
  ],
  [
    "--since that is not a number",
    ["alice", "--since", "yesterday"],
    "--since: expected a whole number",
  ],
  ["--since below 0", ["alice", "--since=-1"], "--since: expected"],
  ["--since that is too big", ["alice", "--since", "9999999999999999"], "--since: expected"],
  ["--timeout that is not a number", ["alice", "--timeout", "soon"], "--timeout: expected seconds"],
  ["--timeout that is too big", ["alice", "--timeout", "1e9"], "--timeout: expected seconds"],
  ["a key with half a character", ["alice", "--key", "\ud800"], "the key is not well-formed"],
])("rejects %s with a sentence", (_case, args, sentence) => {
  const parsed = readOptions(args, {});
  expect(parsed).toEqual({ type: "invalid", why: expect.stringContaining(sentence) });
});

test.each([
  ["--help", ["--help"], { type: "help", text: HELP }],
  ["-h, even without a name", ["-h"], { type: "help", text: HELP }],
  ["--version", ["alice", "--version"], { type: "version" }],
])("answers %s", (_case, args, expected) => expect(readOptions(args, {})).toEqual(expected));

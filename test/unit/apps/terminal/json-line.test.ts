/** A line of JSON that a script writes to the terminal client: what it asks for, or what is wrong with it. */
import { expect, test } from "vitest";
import { readJsonLine } from "../../../../src/apps/terminal/json-line.ts";

test.each<[string, object, object]>([
  ["a change of the text", { edit: 41, text: "b" }, { type: "edit", ref: 41, text: "b" }],
  ["a change of the data alone", { edit: 41, data: {} }, { type: "edit", ref: 41, data: {} }],
  [
    "a change of both",
    { edit: 41, text: "", data: { a: 1 } },
    { type: "edit", ref: 41, text: "", data: { a: 1 } },
  ],
  ["an erasure", { erase: 41 }, { type: "erase", ref: 41 }],
  ["data without a text", { data: { a: 1 } }, { type: "send", text: "", data: { a: 1 } }],
])("%s", (_case, line, input) => {
  expect(readJsonLine(JSON.stringify(line))).toEqual(input);
});

test.each<[string, string, RegExp]>([
  ["a change of nothing", '{"edit":41}', /^text: /],
  ["a change to an empty text", '{"edit":41,"text":""}', /^text: /],
  ["a change of no message", '{"edit":0,"text":"b"}', /^edit: /],
  ["an erasure with a text", '{"erase":41,"text":"b"}', /^unknown field "text"/],
  ["data beyond numbers", '{"text":"a","data":{"a":1e999}}', /^data: a number/],
])("%s is rejected, with the field", (_case, line, why) => {
  expect(readJsonLine(line)).toMatchObject({ type: "invalid", why: expect.stringMatching(why) });
});

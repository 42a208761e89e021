/**
 * The operator's API over HTTP, on a real server, checked against docs/openapi.yaml: every answer conforms, every path,
 * method and status in it is seen, and the API has no others.
 */
import { readFileSync } from "node:fs";
import { Validator } from "@seriousme/openapi-schema-validator";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parse } from "yaml";
import { TestRoom } from "../support/clients/room.ts";
import { Server } from "../support/server/server.ts";

const KEY = "a-secret-of-enough-characters";
const FILE = new URL("../../docs/openapi.yaml", import.meta.url);

interface Schema {
  readonly type?: string;
  readonly const?: unknown;
  readonly pattern?: string;
  readonly minimum?: number;
  readonly required?: readonly string[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
}
interface Described {
  readonly content?: Readonly<Record<string, { readonly schema: Schema }>>;
  readonly headers?: Readonly<Record<string, { readonly schema: Schema }>>;
}
type Operation = { readonly responses: Readonly<Record<string, Described>> };
type Paths = Readonly<Record<string, Readonly<Record<string, Operation>>>>;

let paths: Paths;
let schemas: Readonly<Record<string, Schema>>;
let server: Server;
const METHODS = ["get", "post", "put", "delete", "patch"];
/** The answer's entry in the description, like `DELETE /rooms/{room} 204`. */
const seen = new Set<string>();

beforeAll(async () => {
  const validator = new Validator();
  const { valid, errors } = await validator.validate(
    parse(readFileSync(FILE, "utf8")) as Record<string, unknown>,
  );
  expect(errors).toBeUndefined();
  expect(valid).toBe(true);
  const document = validator.resolveRefs() as {
    paths: Paths;
    components: { schemas: Readonly<Record<string, Schema>> };
  };
  ({ paths } = document);
  ({ schemas } = document.components);
  server = await Server.starts({ ADMIN_KEY: KEY, TEXT_BYTES: 100 });
});
afterAll(() => server.stop());

/** Lists the parts of `value` that break the schema; supports the part of JSON Schema that the description uses. */
function faults(value: unknown, schema: Schema, where = "body"): string[] {
  if (schema.const !== undefined && value !== schema.const)
    return [`${where}: not ${JSON.stringify(schema.const)}`];
  const type = Array.isArray(value) ? "array" : Number.isInteger(value) ? "integer" : typeof value;
  if (schema.type !== undefined && schema.type !== type)
    return [`${where}: ${type} instead of ${schema.type}`];
  if (schema.minimum !== undefined && Number(value) < schema.minimum)
    return [`${where}: too small`];
  if (Array.isArray(value)) {
    return value.flatMap((item, index) => faults(item, schema.items ?? {}, `${where}[${index}]`));
  }
  if (schema.properties === undefined) return [];
  const fields = Object.entries(value as object);
  return [
    ...(schema.required ?? [])
      .filter((key) => !fields.some(([one]) => one === key))
      .map((key) => `${where}: no ${key}`),
    ...fields.flatMap(([key, inner]) => {
      const known = schema.properties?.[key];
      return known === undefined
        ? [`${where}: ${key} is not described`]
        : faults(inner, known, `${where}.${key}`);
    }),
  ];
}

/** The template of a path, as the description writes it. */
const templateOf = (path: string): string =>
  path
    .replace(/\?.*/, "")
    .replace(/^\/rooms\/[^/]+/, "/rooms/{room}")
    .replace(/\/messages\/[^/]+$/, "/messages/{seq}")
    .replace(/\/peers\/[^/]+$/, "/peers/{name}");

interface Answer {
  readonly status: number;
  readonly text: string;
  readonly headers: Headers;
  readonly body: Record<string, unknown>;
  readonly code: unknown;
}

/** Sends a request, and checks the answer against the description. */
async function asks(
  method: string,
  path: string,
  options: { body?: unknown; headers?: Record<string, string> } = {},
): Promise<Answer> {
  const { body, headers = {} } = options;
  const response = await fetch(server.url + path, {
    method,
    headers: { Authorization: `Bearer ${KEY}`, "Content-Type": "application/json", ...headers },
    ...(body !== undefined && { body: typeof body === "string" ? body : JSON.stringify(body) }),
  });
  const text = await response.text();
  const template = templateOf(path);
  const described = paths[template]?.[method.toLowerCase()]?.responses[response.status];
  if (described === undefined)
    throw new Error(`not described: ${method} ${template} ${response.status} ${text}`);
  seen.add(`${method} ${template} ${response.status}`);
  expect(response.headers.get("Cache-Control")).toBe("no-store");
  for (const header of Object.keys(described.headers ?? {}))
    expect(response.headers.get(header)).toBeTruthy();
  const [type, content] = Object.entries(described.content ?? {})[0] ?? [];
  expect(response.headers.get("Content-Type")).toBe(type ?? null);
  let value: Record<string, unknown> = {};
  if (type === "application/json") {
    value = JSON.parse(text) as Record<string, unknown>;
    expect(faults(value, content?.schema ?? {})).toEqual([]);
  } else if (type === undefined) expect(text).toBe("");
  const { code } = (value["error"] ?? {}) as { code?: unknown };
  return { status: response.status, text, headers: response.headers, body: value, code };
}

const outcome = async (answer: Promise<Answer>): Promise<unknown[]> => {
  const { status, code } = await answer;
  return code === undefined ? [status] : [status, code];
};

/** Every operation of the description, with its path in `room`. */
const operations = (room: string): { method: string; path: string }[] =>
  Object.entries(paths).flatMap(([template, item]) =>
    METHODS.filter((method) => item[method] !== undefined).map((method) => ({
      method: method.toUpperCase(),
      path: template.replace("{room}", room).replace("{seq}", "1").replace("{name}", "alice"),
    })),
  );

const PUBLICATION = { from: "alice", text: "hi" };

describe("before any request reaches a room", () => {
  test("without the key, or with another, everything is 401", async () => {
    for (const { method, path } of operations("lobby")) {
      for (const Authorization of [
        "",
        "Bearer",
        "Bearer wrong",
        `Basic ${KEY}`,
        `Bearer ${KEY}x`,
      ]) {
        const answer = await asks(method, path, { headers: { Authorization } });
        expect([answer.status, answer.code]).toEqual([401, "unauthorized"]);
        expect(answer.text).not.toContain(KEY);
      }
    }
  });

  test("from a page of another origin, everything is 403; no answer has a CORS header", async () => {
    for (const { method, path } of operations("lobby")) {
      const answer = await asks(method, path, { headers: { Origin: "https://evil.example" } });
      expect([answer.status, answer.code]).toEqual([403, "forbidden-origin"]);
      expect(
        [...answer.headers.keys()].filter((header) => header.startsWith("access-control")),
      ).toEqual([]);
    }
    const preflight = await fetch(`${server.url}/rooms/lobby/messages`, { method: "OPTIONS" });
    expect([preflight.status, preflight.headers.get("Allow")]).toEqual([405, "GET, HEAD, POST"]);
  });

  test("a stray parameter is 400, another method 405, another path 404", async () => {
    for (const { method, path } of operations("lobby")) {
      expect(
        await outcome(
          asks(method, `${path}?sinse=1`, { ...(method === "POST" && { body: PUBLICATION }) }),
        ),
      ).toEqual([400, "bad-request"]);
      const { status } = await fetch(server.url + path, { method: "PATCH" });
      expect(status).toBe(405);
    }
    for (const path of [
      "/messages/",
      "/messages/1/2",
      "/nothing",
      "/stats/1",
      "/messages/%ff/",
      "/",
    ]) {
      const { status } = await fetch(`${server.url}/rooms/lobby${path}`, {
        headers: { Authorization: `Bearer ${KEY}` },
      });
      expect(status).toBe(404);
    }
  });

  test("in a room that nobody joined, everything but closing is 404", async () => {
    for (const { method, path } of operations("empty")) {
      const body = method === "POST" ? { body: PUBLICATION } : {};
      const expected = path === "/rooms/empty" ? [204] : [404, "no-room"];
      expect(await outcome(asks(method, path, body))).toEqual(expected);
    }
  });
});

test("the life of a room: published, read, erased, expelled, exported, closed", async () => {
  const room = new TestRoom(server, "run");
  const { path } = room;
  const alice = await room.joins("alice", { dialect: "chat.v1" });
  const bob = await room.joins("bob", { dialect: "chat.line" });
  bob.types("*: hello");
  await alice.hears("hello");

  const publication = { from: "bob", text: "by the operator", to: ["alice"], id: "op1", since: 1 };
  const first = await asks("POST", `${path}/messages`, { body: publication });
  expect(first).toMatchObject({
    status: 201,
    body: { seq: 2, from: "bob", id: "op1", to: ["alice"] },
  });
  await alice.hears("by the operator");
  const second = await asks("POST", `${path}/messages`, { body: publication });
  expect([second.status, second.body]).toEqual([200, first.body]);

  expect(await outcome(asks("DELETE", `${path}/messages/2`))).toEqual([204]);
  expect(await outcome(asks("DELETE", `${path}/messages/2`))).toEqual([204]);
  expect(await outcome(asks("DELETE", `${path}/messages/4`))).toEqual([404, "no-entry"]);
  expect(await outcome(asks("DELETE", `${path}/messages/x`))).toEqual([400, "bad-request"]);
  await alice.until(
    () => alice.all("patch").length > 0,
    () => "the patch",
  );
  expect(alice.all("patch")).toMatchObject([
    { seq: 3, ref: 2, from: "bob", by: "operator", erase: true, to: ["bob", "alice"] },
  ]);

  const page = await asks("GET", `${path}/messages?limit=1`);
  expect(page.body).toMatchObject({ messages: [{ seq: 1, text: "hello" }], head: 3, next: 1 });
  const rest = await asks("GET", `${path}/messages?since=1`);
  expect(rest.body).toMatchObject({
    messages: [{ seq: 2, text: "", erased: true, by: "operator" }],
  });
  expect(rest.body["next"]).toBeUndefined();
  for (const query of [
    "since=01",
    "since=-1",
    "since=x",
    "limit=0",
    "limit=1001",
    "since=1&since=2",
  ]) {
    expect(await outcome(asks("GET", `${path}/messages?${query}`))).toEqual([400, "bad-request"]);
  }

  const names = await asks("GET", `${path}/peers?limit=1`);
  expect(names.body).toMatchObject({ peers: [{ name: "alice", online: true }], next: "alice" });
  const next = await asks("GET", `${path}/peers?after=alice`);
  expect(next.body).toMatchObject({ peers: [{ name: "bob", online: true }] });
  const { body: stats } = await asks("GET", `${path}/stats`);
  expect(stats).toMatchObject({
    peers: { online: 2, known: 2 },
    log: { first: 1, head: 3, entries: 3 },
  });

  const exported = await asks("GET", `${path}/export`);
  const lines = exported.text
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as { type: string });
  const kinds = { export: "ExportStart", message: "Message", end: "ExportEnd", gap: "ExportGap" };
  expect(lines.map(({ type }) => type)).toEqual(["export", "message", "message", "end"]);
  for (const line of lines) {
    const schema = schemas[kinds[line.type as keyof typeof kinds]];
    expect(faults(line, schema ?? {})).toEqual([]);
  }
  for (const what of ["messages", "peers", "stats", "export"]) {
    const head = await fetch(`${room.url}/${what}`, {
      method: "HEAD",
      headers: { Authorization: `Bearer ${KEY}` },
    });
    expect([head.status, await head.text()]).toEqual([200, ""]);
  }

  expect(await outcome(asks("DELETE", `${path}/peers/-`))).toEqual([400, "bad-request"]);
  expect(await outcome(asks("DELETE", `${path}/peers/bob`))).toEqual([204]);
  expect(await bob.goodbye()).toMatchObject({ code: 4004 });
  expect(await outcome(asks("DELETE", `${path}/peers/bob`))).toEqual([404, "unknown-peer"]);

  expect(await outcome(asks("DELETE", path))).toEqual([204]);
  expect(await alice.goodbye()).toMatchObject({ code: 4005 });
  expect(await outcome(asks("GET", `${path}/stats`))).toEqual([404, "no-room"]);
  expect(await outcome(asks("DELETE", path))).toEqual([204]);
  // The name is free, and the room is a new one.
  const carol = await room.joins("carol", { dialect: "chat.v1" });
  expect((await asks("GET", `${path}/stats`)).body["epoch"]).not.toBe(stats["epoch"]);
  await carol.leaves();
});

describe("checks of a publication", () => {
  const room = (): TestRoom => new TestRoom(server, "checked");
  beforeAll(async () => {
    await (await room().joins("alice", { dialect: "chat.v1" })).leaves();
  });
  const publishes = (body: unknown, headers: Record<string, string> = {}): Promise<unknown[]> =>
    outcome(asks("POST", `${room().path}/messages`, { body, headers }));

  test.each([
    ["no JSON", "{", 400, "bad-request"],
    ["a list", [], 400, "bad-request"],
    ["null", "null", 400, "bad-request"],
    ["no text", { from: "alice" }, 400, "bad-request"],
    ["an empty text", { from: "alice", text: "" }, 400, "bad-request"],
    ["half a character", String.raw`{"from":"alice","text":"\ud800"}`, 400, "bad-request"],
    ["a name outside the grammar", { from: "-", text: "hi" }, 400, "bad-request"],
    ["nobody in to", { ...PUBLICATION, to: [] }, 400, "bad-request"],
    ["a field too many", { ...PUBLICATION, sinse: 1 }, 400, "bad-request"],
    [
      "a property of every object",
      `{"from":"alice","text":"hi","__proto__":{}}`,
      400,
      "bad-request",
    ],
    ["a since without an id", { ...PUBLICATION, since: 0 }, 400, "bad-request"],
    ["a since that is a text", { ...PUBLICATION, id: "1", since: "0" }, 400, "bad-request"],
    ["a since of another history", { ...PUBLICATION, id: "1", since: 9 }, 409, "void-since"],
    ["somebody unknown", { ...PUBLICATION, from: "nobody" }, 404, "unknown-peer"],
    ["somebody unknown in to", { ...PUBLICATION, to: ["alice", "nobody"] }, 404, "unknown-peer"],
    ["a text that is too long", { ...PUBLICATION, text: "x".repeat(101) }, 413, "too-large"],
    [
      "too many names",
      { ...PUBLICATION, to: Array.from({ length: 65 }, (_, i) => `n${i}`) },
      413,
      "too-large",
    ],
    ["a body that is too large", " ".repeat(600_000), 413, "too-large"],
  ])("%s", async (_case, body, status, code) => {
    expect(await publishes(body)).toEqual([status, code]);
  });

  test("the type of the body", async () => {
    for (const type of ["text/plain", "application/json; charset=latin1", "application/jsonp"]) {
      expect(await publishes(PUBLICATION, { "Content-Type": type })).toEqual([
        415,
        "unsupported-media-type",
      ]);
    }
    expect(
      await publishes(PUBLICATION, { "Content-Type": "application/json; charset=utf-8" }),
    ).toEqual([201]);
  });
});

test("every path, method and status of the description was seen; 503 is seen in test/workerd/admin.test.ts", () => {
  const described = Object.entries(paths).flatMap(([template, item]) =>
    METHODS.filter((method) => item[method] !== undefined).flatMap((method) =>
      Object.keys(item[method]?.responses ?? {}).map(
        (status) => `${method.toUpperCase()} ${template} ${status}`,
      ),
    ),
  );
  const expected = described.filter((one) => !one.endsWith(" 503"));
  expect([...seen].sort()).toEqual(expected.sort());
});

describe("without ADMIN_KEY", () => {
  let other: Server;
  beforeAll(async () => {
    other = await Server.starts();
  });
  afterAll(() => other.stop());

  test("there is no operator's API: its paths are 404, its methods 405", async () => {
    for (const { method, path } of operations("lobby")) {
      const response = await fetch(other.url + path, {
        method,
        headers: { Authorization: `Bearer ${KEY}` },
      });
      const isRoom = path === "/rooms/lobby";
      expect([response.status, response.headers.get("Allow")]).toEqual(
        isRoom ? [405, "GET"] : [404, null],
      );
    }
  });
});

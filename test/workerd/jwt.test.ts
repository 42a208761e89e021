/** The claims of a token, and which tokens are rejected. */
import { exportSPKI } from "jose/key/export";
import { generateKeyPair } from "jose/key/generate/keypair";
import { describe, expect, test } from "vitest";
import {
  parsePeerName,
  parseRoomName,
  type PeerName,
  type RoomName,
} from "../../src/protocol/ids.ts";
import { verifyToken } from "../../src/http/auth/jwt.ts";
import {
  AUDIENCE,
  claimsOf,
  ISSUER,
  nowS,
  part,
  SECRET,
  secretKey,
  tokenOf,
} from "../support/tokens.ts";

const settings = { keys: secretKey(SECRET), issuer: ISSUER, audience: AUDIENCE };
const at = (room: string, name: string): { room: RoomName; name: PeerName } => ({
  room: parseRoomName(room) as RoomName,
  name: parsePeerName(name) as PeerName,
});
const ALICE = at("lobby", "alice");

const answerTo = async (other: Record<string, unknown>, where = ALICE) =>
  verifyToken(await tokenOf(claimsOf(other)), where, settings);

describe("whom a token identifies", () => {
  test("the owner is iss and sub, and the end includes the clock tolerance", async () => {
    const exp = nowS() + 60;
    expect(await answerTo({ exp })).toEqual({
      issuer: ISSUER,
      subject: "alice",
      expiresAt: (exp + 10) * 1_000,
    });
  });

  test.each<[string, Record<string, unknown>, string]>([
    ["sub, without a name", { sub: "alice" }, "alice"],
    ["name, whatever sub is", { sub: "auth0|0815", name: "alice" }, "alice"],
    ["a name that is not normalised", { name: "Zoë".normalize("NFD") }, "Zoë"],
    ["an audience in a list", { aud: ["other", AUDIENCE] }, "alice"],
    ["unknown claims", { admin: true, scope: "all" }, "alice"],
    ["an end with a fraction of a second", { exp: nowS() + 1.5 }, "alice"],
    ["an end beyond all safe numbers", { exp: 1e308 }, "alice"],
    ["a beginning within the tolerance", { nbf: nowS() + 5 }, "alice"],
    ["an end within the tolerance", { exp: nowS() - 5 }, "alice"],
  ])("accepts: %s", async (_case, claims, name) => {
    const bearer = await answerTo(claims, at("lobby", name));
    expect(bearer).toMatchObject({ issuer: ISSUER, subject: claims["sub"] ?? "alice" });
    const { expiresAt } = bearer as { expiresAt: number };
    expect(Number.isSafeInteger(expiresAt) && expiresAt > Date.now()).toBe(true);
  });

  test.each([
    ["no list means every room", undefined, "lobby", true],
    ["a list with the room in it", ["attic", "lobby"], "lobby", true],
    ["a list without it", ["attic"], "lobby", false],
    ["an empty list", [], "lobby", false],
    ["one room without a list", "lobby", "lobby", true],
    ["an empty text", "", "lobby", false],
    ["a beginning", ["team-*"], "team-7", true],
    ["the beginning itself", ["team-*"], "team-", true],
    ["a beginning of another room", ["team-*"], "tea", false],
    ["a wildcard is not the middle of a name", ["te*-7"], "team-7", false],
    ["a wildcard alone", ["*"], "lobby", true],
    ["an exact name is no beginning", ["lob"], "lobby", false],
    ["an exact name is no end", ["lobby"], "lob", false],
    ["another case", ["Lobby"], "lobby", false],
    ["a dot matches only a dot", ["a.c"], "abc", false],
    ["a room that is not normalised", ["Höhle".normalize("NFD")], "Höhle", true],
    ["a beginning that is not normalised", ["Hö*".normalize("NFD")], "Höhle", true],
  ])("rooms: %s", async (_case, rooms, room, isIn) => {
    const answer = await answerTo({ rooms }, at(room, "alice"));
    if (isIn) expect(answer).toMatchObject({ subject: "alice" });
    else
      expect(answer).toEqual({ code: 4003, reason: expect.stringContaining("not for this room") });
  });
});

describe("rejected tokens", () => {
  test.each([
    ["another issuer", { iss: "https://evil.example/" }, 4003, "iss"],
    ["an issuer that only begins the same", { iss: `${ISSUER}x` }, 4003, "iss"],
    ["issuers in a list", { iss: [ISSUER] }, 4003, "iss"],
    ["no issuer", { iss: undefined }, 4003, "iss"],
    ["another audience", { aud: "mail" }, 4003, "aud"],
    ["no audience", { aud: undefined }, 4003, "aud"],
    ["no end", { exp: undefined }, 4003, "exp"],
    ["an end that is a text", { exp: "never" }, 4003, "exp"],
    ["an end that is null", { exp: null }, 4003, "exp"],
    ["one that is not yet valid", { nbf: nowS() + 60 }, 4003, "nbf"],
    ["a beginning that is a text", { nbf: "0" }, 4003, "nbf"],
    ["no subject", { sub: undefined, name: "alice" }, 4003, "sub"],
    ["an empty subject", { sub: "", name: "alice" }, 4003, "sub"],
    ["a subject that is a number", { sub: 7, name: "alice" }, 4003, "sub"],
    ["another name", { name: "bob" }, 4003, "another name"],
    ["another name, though the subject fits", { sub: "alice", name: "bob" }, 4003, "another name"],
    ["another case of the name", { name: "Alice" }, 4003, "another name"],
    ["a name outside the grammar", { name: "Alice Doe" }, 4003, "no name"],
    ["an empty name", { name: "" }, 4003, "no name"],
    ["a name that is null", { name: null }, 4003, "no name"],
    ["a name in a list", { name: ["alice"] }, 4003, "no name"],
    ["a subject outside the grammar, and no name", { sub: "auth0|0815" }, 4003, "no name"],
    ["rooms that are a number", { rooms: 7 }, 4003, "rooms"],
    ["rooms that are null", { rooms: null }, 4003, "rooms"],
    ["a room that is no text", { rooms: ["lobby", 7] }, 4003, "rooms"],
    ["rooms in an object", { rooms: { lobby: true } }, 4003, "rooms"],
    ["one that has expired", { exp: nowS() - 60 }, 4104, "expired"],
    ["one that expired before 1970", { exp: -1 }, 4104, "expired"],
    ["one that has expired, of another issuer", { exp: 1, iss: "x" }, 4003, "iss"],
  ])("%s", async (_case, claims, code, what) => {
    expect(await answerTo(claims)).toEqual({ code, reason: expect.stringContaining(what) });
  });

  const NONE = "this is none";
  const UNTRUSTED = "not signed with a key";
  const ALGORITHM = "must be signed with HS256";
  test.each<[string, () => string | Promise<string>, string]>([
    ["nothing", () => "", "asks for a token"],
    ["a password", () => "sesame", NONE],
    ["three empty parts", () => "..", NONE],
    ["three parts of nothing", () => "a.b.c", NONE],
    ["what is not ASCII", () => "ä.ö.ü", NONE],
    ["a token of five parts, as if encrypted", () => "a.b.c.d.e", NONE],
    ["the algorithm none", () => `${part({ alg: "none" })}.${part(claimsOf())}.`, ALGORITHM],
    [
      "the algorithm None, in this spelling",
      () => `${part({ alg: "None" })}.${part(claimsOf())}.`,
      ALGORITHM,
    ],
    ["no algorithm", () => `${part({ typ: "JWT" })}.${part(claimsOf())}.AA`, NONE],
    [
      "another symmetric algorithm",
      () => tokenOf(claimsOf(), { alg: "HS512", key: secretKey(SECRET.repeat(2)) }),
      ALGORITHM,
    ],
    ["another secret", () => tokenOf(claimsOf(), { key: secretKey(`${SECRET}!`) }), UNTRUSTED],
    [
      "a signature with one bit changed",
      async () => {
        const [header, claims, signature = ""] = (await tokenOf(claimsOf())).split(".");
        const first = signature.startsWith("A") ? "B" : "A";
        return `${header}.${claims}.${first}${signature.slice(1)}`;
      },
      UNTRUSTED,
    ],
    [
      "other claims under the signature",
      async () => {
        const [header, , signature] = (await tokenOf(claimsOf({ sub: "bob" }))).split(".");
        return `${header}.${part(claimsOf())}.${signature}`;
      },
      UNTRUSTED,
    ],
    ["no signature", async () => (await tokenOf(claimsOf())).replace(/[^.]+$/, ""), UNTRUSTED],
    [
      "an unknown critical header",
      async () => {
        const header = part({ alg: "HS256", crit: ["x"], x: 1 });
        return `${header}.${part(claimsOf())}.AA`;
      },
      UNTRUSTED,
    ],
    ["claims in a list", () => `${part({ alg: "HS256" })}.${part([claimsOf()])}.AA`, UNTRUSTED],
    ["one that is too long", () => tokenOf(claimsOf({ padding: "x".repeat(8_192) })), "8192"],
  ])("%s", async (_case, make, what) => {
    const token = await make();
    const answer = await verifyToken(token, ALICE, settings);
    expect(answer).toEqual({ code: 4003, reason: expect.stringContaining(what) });
    const { reason } = answer as { reason: string };
    expect(new TextEncoder().encode(reason).length).toBeLessThanOrEqual(123);
    if (token !== "") expect(reason).not.toContain(token);
  });

  test("a public key is no secret: HS256 with it is rejected where public keys are required", async () => {
    const { publicKey } = await generateKeyPair("RS256", { extractable: true });
    const key = secretKey(await exportSPKI(publicKey));
    const keys = new URL("http://localhost:9/jwks.json");
    const answer = await verifyToken(await tokenOf(claimsOf(), { key }), ALICE, {
      ...settings,
      keys,
    });
    expect(answer).toEqual({ code: 4003, reason: expect.stringContaining("RS256, ES256") });
  });

  test("the audience is not checked once the operator accepts any", async () => {
    const any = { ...settings, audience: undefined };
    for (const aud of ["mail", undefined]) {
      const answer = await verifyToken(await tokenOf(claimsOf({ aud })), ALICE, any);
      expect(answer).toMatchObject({ subject: "alice" });
    }
  });
});

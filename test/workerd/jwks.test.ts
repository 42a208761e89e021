/** The issuer's public keys: when they are fetched, and how a token is answered when they are unavailable. */
import { exportJWK } from "jose/key/export";
import { generateKeyPair } from "jose/key/generate/keypair";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import {
  parsePeerName,
  parseRoomName,
  type PeerName,
  type RoomName,
} from "../../src/protocol/ids.ts";
import { verifyToken } from "../../src/http/auth/jwt.ts";
import { AUDIENCE, claimsOf, ISSUER, tokenOf } from "../support/tokens.ts";

const ALICE = {
  room: parseRoomName("lobby") as RoomName,
  name: parsePeerName("alice") as PeerName,
};
const UNAVAILABLE = { code: 4102, reason: expect.stringContaining("come back later") as string };
const UNTRUSTED = { code: 4003, reason: expect.stringContaining("not signed") as string };
const IN = { issuer: ISSUER, subject: "alice", expiresAt: expect.any(Number) as number };

interface Pair {
  readonly kid: string;
  readonly alg: string;
  readonly privateKey: CryptoKey;
  readonly jwk: object;
}

async function pair(kid: string, alg: string): Promise<Pair> {
  const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true });
  return { kid, alg, privateKey, jwk: { ...(await exportJWK(publicKey)), kid, alg } };
}

/** An issuer at an address of its own, since keys are cached for as long as the Worker lives. */
let issuers = 0;
class Issuer {
  readonly url = new URL(`https://issuer-${issuers++}.example.com/jwks.json`);
  keys: readonly Pair[] = [];
  answer: () => Response | Promise<Response> = () =>
    Response.json({ keys: this.keys.map(({ jwk }) => jwk) });
  asked = 0;

  constructor(...keys: Pair[]) {
    this.keys = keys;
    vi.spyOn(globalThis, "fetch").mockImplementation((url) => {
      expect(url).toBe(this.url.href);
      this.asked++;
      return Promise.resolve().then(() => this.answer());
    });
  }

  async says(
    { kid, alg, privateKey: key }: Pair,
    header: { readonly kid: string | undefined } = { kid },
  ): Promise<unknown> {
    const token = await tokenOf(claimsOf(), { alg, ...header, key });
    return verifyToken(token, ALICE, { keys: this.url, issuer: ISSUER, audience: AUDIENCE });
  }
}

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date"] });
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});
const passes = (ms: number): void => void vi.setSystemTime(Date.now() + ms);

describe("which keys are trusted", () => {
  test.each(["RS256", "ES256", "EdDSA"])("a key of the set: %s", async (alg) => {
    const key = await pair("k", alg);
    const issuer = new Issuer(key);
    expect(await issuer.says(key)).toEqual(IN);
    expect(await issuer.says(await pair("k", alg))).toEqual(UNTRUSTED);
  });

  test.each(["RS384", "PS256", "ES384"])("no other algorithm: %s", async (alg) => {
    const key = await pair("k", alg);
    const issuer = new Issuer(key);
    const reason = "the token must be signed with RS256, ES256, EdDSA, Ed25519";
    expect(await issuer.says(key)).toEqual({ code: 4003, reason });
    expect(issuer.asked).toBe(0);
  });
});

describe("a token that names no key", () => {
  test("is tried with each key of its kind", async () => {
    const pairs = [
      await pair("one", "ES256"),
      await pair("two", "ES256"),
      await pair("rsa", "RS256"),
    ];
    const issuer = new Issuer(...pairs);
    for (const signer of pairs) expect(await issuer.says(signer, { kid: undefined })).toEqual(IN);
    expect(issuer.asked).toBe(1);
  });

  test("is rejected if none of them signed it", async () => {
    const issuer = new Issuer(await pair("one", "ES256"), await pair("two", "ES256"));
    expect(await issuer.says(await pair("x", "ES256"), { kid: undefined })).toEqual(UNTRUSTED);
  });
});

describe("when the keys are fetched", () => {
  test("once, for many tokens; again when the cache expires", async () => {
    const key = await pair("k", "ES256");
    const issuer = new Issuer(key);
    for (let count = 0; count < 5; count++) expect(await issuer.says(key)).toEqual(IN);
    expect(issuer.asked).toBe(1);
    passes(600_000);
    expect(await issuer.says(key)).toEqual(IN);
    expect(issuer.asked).toBe(2);
  });

  test("a withdrawn key is rejected once the cache expires", async () => {
    const key = await pair("k", "ES256");
    const issuer = new Issuer(key);
    expect(await issuer.says(key)).toEqual(IN);
    issuer.keys = [await pair("new", "ES256")];
    passes(600_000);
    expect(await issuer.says(key)).toEqual(UNTRUSTED);
  });

  test("a new key is fetched at once", async () => {
    const [old, fresh] = [await pair("old", "ES256"), await pair("new", "ES256")];
    const issuer = new Issuer(old);
    expect(await issuer.says(old)).toEqual(IN);
    issuer.keys = [old, fresh];
    passes(1);
    expect(await issuer.says(fresh)).toEqual(IN);
    expect(issuer.asked).toBe(2);
  });

  test("200 tokens that come at once with a cold cache cause one request", async () => {
    const [known, made] = [await pair("known", "ES256"), await pair("made-up", "ES256")];
    const issuer = new Issuer(known);
    const answers = await Promise.all(
      Array.from({ length: 200 }, (_, index) => issuer.says(index % 10 === 0 ? known : made)),
    );
    expect(issuer.asked).toBe(1);
    expect(answers.filter((answer) => "code" in (answer as object))).toHaveLength(180);
    expect(answers[0]).toEqual(IN);
    expect(answers[1]).toEqual(UNTRUSTED);
  });

  test("a request that is cancelled during its fetch delays the others, and one of them fetches", async () => {
    const key = await pair("k", "ES256");
    const issuer = new Issuer(key);
    const good = issuer.answer;
    issuer.answer = () => new Promise(() => {});
    void issuer.says(key);
    await vi.waitFor(() => expect(issuer.asked).toBe(1));
    issuer.answer = good;
    const waiting = [issuer.says(key), issuer.says(key)];
    passes(5_000);
    expect(await Promise.all(waiting)).toEqual([IN, IN]);
    expect(issuer.asked).toBe(2);
  });

  test("new keys that many tokens name are fetched once, and all of the tokens are accepted", async () => {
    const [old, fresh] = [await pair("old", "ES256"), await pair("new", "ES256")];
    const issuer = new Issuer(old);
    expect(await issuer.says(old)).toEqual(IN);
    issuer.keys = [old, fresh];
    passes(1);
    const answers = await Promise.all(Array.from({ length: 20 }, () => issuer.says(fresh)));
    expect(answers).toEqual(answers.map(() => IN));
    expect(issuer.asked).toBe(2);
  });

  test("tokens with made-up keys cannot flood the issuer: they wait, and known keys do not", async () => {
    const [known, made] = [await pair("known", "ES256"), await pair("made-up", "ES256")];
    const issuer = new Issuer(known);
    expect(await issuer.says(known)).toEqual(IN);
    passes(1);
    // Fetched, and not in the set.
    expect(await issuer.says(made)).toEqual(UNTRUSTED);
    passes(1);
    // The key might be there by now; it is not fetched yet.
    for (let count = 0; count < 5; count++) expect(await issuer.says(made)).toEqual(UNAVAILABLE);
    expect(await issuer.says(known)).toEqual(IN);
    expect(issuer.asked).toBe(2);
    passes(30_000);
    expect(await issuer.says(made)).toEqual(UNTRUSTED);
    expect(issuer.asked).toBe(3);
  });
});

describe("an issuer that fails is a temporary error, not a bad token", () => {
  test.each<[string, () => Response | Promise<Response>]>([
    ["no connection", () => Promise.reject(new TypeError("connection refused"))],
    ["too slow", () => Promise.reject(new DOMException("too slow", "TimeoutError"))],
    ["an error of the server", () => new Response("", { status: 503 })],
    [
      "a redirect",
      () => new Response("", { status: 302, headers: { Location: "https://evil.example" } }),
    ],
    ["no JSON", () => new Response("<html>")],
    ["no key set", () => Response.json({ key: [] })],
  ])("%s", async (_case, answer) => {
    const key = await pair("k", "ES256");
    const issuer = new Issuer(key);
    const good = issuer.answer;
    issuer.answer = answer;
    expect(await issuer.says(key)).toEqual(UNAVAILABLE);
    // The issuer is not asked during the cooldown, and asked again after it.
    expect(await issuer.says(key)).toEqual(UNAVAILABLE);
    expect(issuer.asked).toBe(1);
    issuer.answer = good;
    passes(5_000);
    expect(await issuer.says(key)).toEqual(IN);
    expect(issuer.asked).toBe(2);
  });

  test("a broken key of the set is reported for its own tokens; other keys work", async () => {
    const [good, bad] = [await pair("good", "ES256"), await pair("bad", "ES256")];
    const issuer = new Issuer(good, { ...bad, jwk: { ...bad.jwk, x: "AA" } });
    expect(await issuer.says(good)).toEqual(IN);
    expect(await issuer.says(bad)).toMatchObject({ code: 4003 });
  });
});

describe("a clock that is set back an hour", () => {
  test("does not extend the cooldown beyond 5 s", async () => {
    const key = await pair("k", "ES256");
    const issuer = new Issuer(key);
    const { answer } = issuer;
    issuer.answer = () => new Response("", { status: 500 });
    expect(await issuer.says(key)).toEqual(UNAVAILABLE);
    issuer.answer = answer;
    passes(-3_600_000);
    expect(await issuer.says(key)).toEqual(IN);
  });

  test("does not extend the cache beyond 10 minutes", async () => {
    const key = await pair("k", "ES256");
    const issuer = new Issuer(key);
    expect(await issuer.says(key)).toEqual(IN);
    issuer.keys = [await pair("new", "ES256")];
    passes(-3_600_000);
    expect(await issuer.says(key)).toEqual(UNTRUSTED);
    expect(issuer.asked).toBe(2);
  });
});

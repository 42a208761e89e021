/**
 * SipHash-2-4: a short keyed hash, computed synchronously.
 *
 * Source: J.-P. Aumasson, D. J. Bernstein, "SipHash: a fast short-input PRF" (2012). The test checks its vectors.
 */
const word = (bytes: Uint8Array, at: number, end: number): bigint => {
  let value = 0n;
  for (let index = end - 1; index >= at; index--) value = (value << 8n) | BigInt(bytes[index] ?? 0);
  return value;
};

const u64 = (value: bigint): bigint => BigInt.asUintN(64, value);
const rotate = (value: bigint, by: bigint): bigint => u64((value << by) | (value >> (64n - by)));

/**
 * @param key 16 bytes
 * @returns 64 bits as 16 hex digits
 */
export function sipHash(key: Uint8Array, data: Uint8Array): string {
  const [k0, k1] = [word(key, 0, 8), word(key, 8, 16)];
  let v0 = k0 ^ 0x736f6d6570736575n;
  let v1 = k1 ^ 0x646f72616e646f6dn;
  let v2 = k0 ^ 0x6c7967656e657261n;
  let v3 = k1 ^ 0x7465646279746573n;
  const round = (): void => {
    v0 = u64(v0 + v1);
    v1 = rotate(v1, 13n) ^ v0;
    v0 = rotate(v0, 32n);
    v2 = u64(v2 + v3);
    v3 = rotate(v3, 16n) ^ v2;
    v0 = u64(v0 + v3);
    v3 = rotate(v3, 21n) ^ v0;
    v2 = u64(v2 + v1);
    v1 = rotate(v1, 17n) ^ v2;
    v2 = rotate(v2, 32n);
  };
  const compress = (block: bigint): void => {
    v3 ^= block;
    round();
    round();
    v0 ^= block;
  };
  const whole = data.length - (data.length % 8);
  for (let at = 0; at < whole; at += 8) compress(word(data, at, at + 8));
  compress(word(data, whole, data.length) | (BigInt(data.length % 256) << 56n));
  v2 ^= 0xffn;
  for (let times = 0; times < 4; times++) round();
  return (v0 ^ v1 ^ v2 ^ v3).toString(16).padStart(16, "0");
}

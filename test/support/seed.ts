/** The seed of random tests: fixed in CI and random elsewhere. A test that fails prints it, and SEED=n runs it again. */
const { CI, SEED } = process.env;
export const seed = Number(SEED ?? (CI === undefined ? Date.now() % 2 ** 31 : 20_261_123));

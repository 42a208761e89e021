/** What an operator is told of rows that nobody can have written so. */

/** @param what is wrong, without anything of what stands there: it goes into the log */
export const corruptionError = (what: string): Error =>
  new Error(
    `this room's database is damaged: ${what}: restore it from a point in time before (docs/operations.md)`,
  );

/** A number as this project writes it: whole, and not below 0. */
export const isWhole = (value: unknown): value is number =>
  Number.isSafeInteger(value) && Number(value) >= 0;

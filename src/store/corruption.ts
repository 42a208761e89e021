/** Errors for rows that no release can have written. */

/** @param what is wrong, without any stored content: the sentence goes into the log */
export const corruptionError = (what: string): Error =>
  new Error(
    `this room's database is damaged: ${what}: restore it from a point in time before (docs/operations.md)`,
  );

/** A number as this project writes it: whole, and not below 0. */
export const isWhole = (value: unknown): value is number =>
  Number.isSafeInteger(value) && Number(value) >= 0;

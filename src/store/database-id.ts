/**
 * The random id of a room's database: 72 bits are public, in the epoch, and 96 are secret.
 */
import { randomToken } from "../protocol/random-token.ts";

const PUBLIC_CHARACTERS = 12;

export const publicPartOf = (id: string): string => id.slice(0, PUBLIC_CHARACTERS);
export const secretPartOf = (id: string): string => id.slice(PUBLIC_CHARACTERS);

/** Returns 168 random bits, as text. */
export const newDatabaseId = (): string => randomToken(168);

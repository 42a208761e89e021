/**
 * The random id of a room's database: 72 bits that everybody is told, in the epoch, and 96 that nobody is.
 */
const PUBLIC_CHARACTERS = 12;

export const publicPartOf = (id: string): string => id.slice(0, PUBLIC_CHARACTERS);
export const secretPartOf = (id: string): string => id.slice(PUBLIC_CHARACTERS);

/** 168 random bits, as text. */
export function newDatabaseId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(21));
  return btoa(String.fromCharCode(...bytes))
    .replaceAll("+", "-")
    .replaceAll("/", "_");
}

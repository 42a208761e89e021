/** @returns `bits` random bits as text of `A-Za-z0-9_-`; a multiple of 48 */
export function randomToken(bits: number): string {
  const bytes = crypto.getRandomValues(new Uint8Array(bits / 8));
  return btoa(String.fromCharCode(...bytes))
    .replaceAll("+", "-")
    .replaceAll("/", "_");
}

/** @returns `bits` random bits as text of `A-Za-z0-9_-`. @param bits a multiple of 24, so that no padding is needed */
export function randomToken(bits: number): string {
  const bytes = crypto.getRandomValues(new Uint8Array(bits / 8));
  return btoa(String.fromCharCode(...bytes))
    .replaceAll("+", "-")
    .replaceAll("/", "_");
}

/**
 * Compares secrets and hashes of secrets.
 *
 * Invariant: the time it takes depends on the length of what was given, never on how much of it agrees.
 *
 * What the room compares are salted hashes of keys, and how far a hash agrees says nothing about a key. That argument
 * need not be made again with every comparison: whatever proves who somebody is goes through here.
 */

/** @param kept of a length that is no secret: a hash has one length */
export function timingSafeEqual(given: string, kept: string): boolean {
  let difference = given.length ^ kept.length;
  for (let index = 0; index < given.length; index++) {
    // Past the end of `kept` this is NaN, which counts as 0: by then the lengths have told them apart.
    difference |= given.charCodeAt(index) ^ kept.charCodeAt(index);
  }
  return difference === 0;
}

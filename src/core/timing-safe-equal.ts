/**
 * Compares secrets and hashes of secrets.
 *
 * Invariant: the time it takes depends on the length of `given`, never on how much of it matches.
 *
 * The room compares salted hashes of keys, and how far a hash matches says nothing about a key. That argument need not be
 * repeated for every comparison: every proof of identity is compared here.
 */

/** @param kept of a length that is no secret: a hash has one length */
export function timingSafeEqual(given: string, kept: string): boolean {
  let difference = given.length ^ kept.length;
  for (let index = 0; index < given.length; index++) {
    // Past the end of `kept` this is NaN, which counts as 0: the lengths differ, which has been noted already.
    difference |= given.charCodeAt(index) ^ kept.charCodeAt(index);
  }
  return difference === 0;
}

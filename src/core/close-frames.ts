/** The closes that the broker sends from more than one place. */
import { CLOSE, type CloseFrame } from "../protocol/close-codes.ts";

/** What the older connection of a name is closed with. */
export const REPLACED: CloseFrame = {
  code: CLOSE.REPLACED,
  reason: "replaced by a newer connection of this name: use that one, or choose another name",
};

/** What a connection is closed with whose key has expired. */
export const EXPIRED: CloseFrame = {
  code: CLOSE.KEY_EXPIRED,
  reason: "the key has expired: come back with a fresh one",
};

/** What everyone is closed with who needed what the storage could not do. */
export const STORAGE_FAILED: CloseFrame = {
  code: CLOSE.UNAVAILABLE,
  reason: "the room cannot read or write its storage now: come back later",
};

/** The folded view of a room, for user interfaces: everything public, and nothing else. */
export { type Gap, RoomModel, type Unread } from "./room-model.ts";
export { isReaction, type Reaction } from "./reactions.ts";

/** Bounds that the room and its clients share; the operator's own come with `welcome.limits`. */

/** Messages of one page of `history`, if the client does not say how many. */
export const HISTORY_DEFAULT = 50;
/** Messages of one page of `history`, at most. */
export const HISTORY_MAX = 100;
/** Names of one page of `who`. */
export const WHO_NAMES = 200;
/** Bytes that the data of one signal may have as JSON. */
export const SIGNAL_BYTES = 1_024;
/** What `history` and `who` cost of the sender's allowance; every other command costs one. */
export const QUERY_COST = 10;

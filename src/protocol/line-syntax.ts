/** The tutorial's syntax, as both the room and the terminal client explain it. */
export const HOW_TO_SEND = 'write "bob, carol: hi" to some, "*: hi" to everyone';

/** The end of the names. Input methods for Chinese and Japanese write the full-width colon. */
export const COLON = /[:：]/;
/** The separator between two names, on the same keyboards. */
export const COMMA = /[,，、]/;

/** The tutorial's syntax, as both the room and the terminal client explain it. */
export const HOW_TO_SEND = 'write "bob, carol: hi" to some, "*: hi" to everyone';

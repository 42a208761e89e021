/** How a fault proxy breaks a connection. */

/** The direction of bytes: to the room, or to the client. */
export type Direction = "up" | "down";

/**
 * A connection breaks after `bytes` more bytes in one direction: between two frames, within one, or within the
 * handshake.
 */
export interface Cut {
  readonly type: "cut";
  readonly direction: Direction;
  readonly bytes: number;
  /** RST or FIN. */
  readonly how: "reset" | "end";
  /** The ends that see the break; the TCP connection of the other end stays open, but carries nothing. */
  readonly notified: "both" | "client" | "room";
  /** The open connection, or the next one, counted from its first byte. */
  readonly which: "this" | "next";
}

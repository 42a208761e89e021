/**
 * The attachment of a socket: the snapshot of its connection that outlives hibernation, in versions.
 *
 * Invariant: a release reads what every released version wrote.
 */
import type { ConnectionSnapshot } from "../core/ports.ts";

/** Raised when the shape changes; a release reads the attachments of every released version. */
export const ATTACHMENT_VERSION = 3;

export interface Attachment {
  readonly version: typeof ATTACHMENT_VERSION;
  /** The room has closed this connection. */
  readonly over: boolean;
  readonly memo: ConnectionSnapshot;
}

/** Version 2 has no `tail`; version 1 has no `expiresAt` and no `spent` either. */
export type OlderAttachment =
  | { readonly version: 2; readonly over: boolean; readonly memo: Omit<ConnectionSnapshot, "tail"> }
  | {
      readonly version: 1;
      readonly over: boolean;
      readonly memo: Omit<ConnectionSnapshot, "expiresAt" | "spent" | "tail">;
    };

export function saveAttachment(ws: WebSocket, memo: ConnectionSnapshot, over: boolean): void {
  const attachment: Attachment = { version: ATTACHMENT_VERSION, over, memo };
  try {
    ws.serializeAttachment(attachment);
  } catch {
    // The socket has gone, and its attachment with it.
  }
}

/** @returns undefined for an attachment of an unknown version */
export function readAttachment(ws: WebSocket): Attachment | undefined {
  const attachment = ws.deserializeAttachment() as Attachment | OlderAttachment | null | undefined;
  switch (attachment?.version) {
    case ATTACHMENT_VERSION:
      return attachment;
    case 1:
    case 2: {
      const { over, memo } = attachment;
      const before = { expiresAt: undefined, spent: [], tail: 0 };
      return { version: ATTACHMENT_VERSION, over, memo: { ...before, ...memo } };
    }
    default:
      return undefined;
  }
}

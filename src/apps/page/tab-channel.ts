/**
 * Tabs of one browser publish the seq, sender and recipients of each entry that they receive, never a text. A tab that
 * is cut off shows from this what waits for it in the room.
 */
import type { Entry } from "../../client/index.ts";

interface TabMessage {
  readonly seq: number;
  readonly from: string;
  readonly to?: readonly string[];
}

export class TabChannel {
  readonly #channel: BroadcastChannel | undefined;

  /** @param onSeen called for each entry that another tab received and that concerns `name` */
  constructor(room: string, name: string, onSeen: (seq: number) => void) {
    if (typeof BroadcastChannel === "undefined") return;
    this.#channel = new BroadcastChannel(`chat-room passed ${room}`);
    this.#channel.addEventListener("message", ({ data }: MessageEvent<TabMessage>) => {
      const { seq, from, to } = data;
      if (typeof seq !== "number" || from === name) return;
      if (to === undefined || to.includes(name)) onSeen(seq);
    });
  }

  publish({ seq, from, to, quiet }: Entry): void {
    if (quiet) return;
    const message: TabMessage = { seq, from, ...(to && { to: [...to] }) };
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- of windows, not of channels
    this.#channel?.postMessage(message);
  }

  close(): void {
    this.#channel?.close();
  }
}

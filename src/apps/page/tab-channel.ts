/**
 * Tabs of one browser tell each other which places of a room they saw pass, so that one that is cut off can say what
 * waits for it. Places and names only, never a text.
 */
import type { Entry } from "../../client/index.ts";

interface TabMessage {
  readonly seq: number;
  readonly from: string;
  readonly to?: readonly string[];
}

export class TabChannel {
  readonly #channel: BroadcastChannel | undefined;

  /** @param seen called with each place that another tab saw and that concerns `name` */
  constructor(room: string, name: string, seen: (seq: number) => void) {
    if (typeof BroadcastChannel === "undefined") return;
    this.#channel = new BroadcastChannel(`chat-room passed ${room}`);
    this.#channel.addEventListener("message", ({ data }: MessageEvent<TabMessage>) => {
      const { seq, from, to } = data;
      if (typeof seq !== "number" || from === name) return;
      if (to === undefined || to.includes(name)) seen(seq);
    });
  }

  tell({ seq, from, to }: Entry): void {
    const passed: TabMessage = { seq, from, ...(to && { to: [...to] }) };
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- of windows, not of channels
    this.#channel?.postMessage(passed);
  }

  end(): void {
    this.#channel?.close();
  }
}

/** A room that says whatever a test wants it to say: the page's sockets end here instead of at the server. */
import type { Page, WebSocketRoute } from "playwright-core";

type Frame = Readonly<Record<string, unknown>>;

export const welcome = (since = 0, head = 0): Frame => ({
  type: "welcome",
  room: "r",
  name: "bob",
  epoch: "e",
  head,
  since,
  online: 1,
  peers: ["bob"],
  limits: {
    text: 8_192,
    frame: 65_536,
    recipients: 64,
    window: 256,
    windowBytes: 262_144,
    rate: 50,
    burst: 500,
    spread: 0,
  },
});

export class FakeRoom {
  #socket: WebSocketRoute | undefined;
  /** What the page said, on all links. */
  readonly heard: Frame[] = [];
  links = 0;
  #greets: (stranger: FakeRoom) => void = () => {};

  /** To be called before the page is joined. @param greets what a link begins with */
  static async stands(page: Page, greets: (stranger: FakeRoom) => void): Promise<FakeRoom> {
    const stranger = new FakeRoom();
    stranger.#greets = greets;
    await page.routeWebSocket(/\/rooms\//, (socket) => {
      stranger.#socket = socket;
      stranger.links++;
      socket.onMessage((text) => {
        if (text === "ping") return socket.send("pong");
        const said = JSON.parse(String(text)) as Frame | Frame[];
        stranger.heard.push(...(Array.isArray(said) ? said : [said]));
      });
      stranger.#greets(stranger);
    });
    return stranger;
  }

  says(...frames: readonly (Frame | string)[]): void {
    for (const frame of frames) {
      this.#socket?.send(typeof frame === "string" ? frame : JSON.stringify(frame));
    }
  }

  ends(code: number, reason: string): void {
    void this.#socket?.close({ code, reason });
  }
}

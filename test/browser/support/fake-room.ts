/** A room that a test plays: the sockets of the page end here instead of at the server. */
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
    data: 4_096,
    patchHours: 24,
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
  /** The frames of the page, on all connections. */
  readonly received: Frame[] = [];
  connections = 0;
  #onConnect: (fakeRoom: FakeRoom) => void = () => {};

  /** Call it before the page joins. @param onConnect called for each connection */
  static async serves(page: Page, onConnect: (fakeRoom: FakeRoom) => void): Promise<FakeRoom> {
    const fakeRoom = new FakeRoom();
    fakeRoom.#onConnect = onConnect;
    await page.routeWebSocket(/\/rooms\//, (socket) => {
      fakeRoom.#socket = socket;
      fakeRoom.connections++;
      socket.onMessage((text) => {
        if (text === "ping") return socket.send("pong");
        const frames = JSON.parse(String(text)) as Frame | Frame[];
        fakeRoom.received.push(...(Array.isArray(frames) ? frames : [frames]));
      });
      fakeRoom.#onConnect(fakeRoom);
    });
    return fakeRoom;
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

/** A `chat.v1` connection that costs its process as little as possible. It acknowledges only when `acks` is called. */
import { WebSocket } from "ws";

export interface Place {
  /** `http://…` of the server. */
  readonly url: string;
  readonly room: string;
}

export interface Item {
  readonly type: string;
  readonly seq?: number;
  readonly head?: number;
  readonly from?: string;
  readonly text?: string;
  readonly k?: string;
}

/** Called with each item that arrives, and with the peer that received it. */
export type OnItem = (item: Item, peer: Peer) => void;

export class Peer {
  readonly socket: WebSocket;
  /** The close code of the connection. */
  readonly ended: Promise<number>;
  #acked = 0;
  /** The token of the newest mark received. */
  #mark: string | undefined;

  /** @param query further parameters of the handshake, besides the name */
  constructor(
    { url, room }: Place,
    name: string,
    query = "",
    onItem?: OnItem,
    protocols: string[] = ["chat.v1"],
  ) {
    const address = `${url.replace("http", "ws")}/rooms/${room}?name=${name}${query}`;
    this.socket = new WebSocket(address, protocols, { perMessageDeflate: false });
    this.socket.on("error", () => {});
    this.socket.on("open", () => this.socket.send("ping"));
    this.ended = new Promise((resolve) => this.socket.on("close", resolve));
    if (onItem === undefined) return;
    this.socket.on("message", (data: Buffer) => {
      for (const item of itemsOf(data.toString())) {
        if (item.type === "mark") this.#mark = item.k;
        // Echo each mark at once, if the peer acknowledges at all.
        if (item.type === "mark" && this.#acked > 0) this.acks(this.#acked);
        onItem(item, this);
      }
    });
  }

  /** Resolves when the peer has joined and received its pending entries. */
  static async enters(place: Place, name: string, query = "", onItem?: OnItem): Promise<Peer> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const peer = new Peer(place, name, query, (item, self) => {
      if (item.type === "ready") resolve();
      onItem?.(item, self);
    });
    void peer.ended.then((code) => reject(new Error(`${name} could not join: ${code}`)));
    await promise;
    return peer;
  }

  says(item: object): void {
    if (this.socket.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(item));
  }

  /** Acknowledges with the newest mark, even without a new entry, as a peer that reads does. */
  acks(seq: number): void {
    if (seq <= this.#acked && this.#mark === undefined) return;
    this.#acked = Math.max(this.#acked, seq);
    const k = this.#mark;
    this.#mark = undefined;
    this.says({ type: "ack", seq: this.#acked, ...(k !== undefined && { k }) });
  }
}

function itemsOf(text: string): readonly Item[] {
  if (text === "pong") return [];
  const value = JSON.parse(text) as Item | Item[];
  return Array.isArray(value) ? value : [value];
}

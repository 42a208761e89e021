/** partyserver as its readme has it: hibernating, JSON, one frame per recipient. */
import { type Connection, getServerByName, Server, type WSMessage } from "partyserver";

interface Env {
  readonly ROOM: DurableObjectNamespace<Party>;
}

interface Send {
  readonly id: string;
  readonly to?: readonly string[];
  readonly text: string;
}

export class Party extends Server<Env> {
  static override options = { hibernate: true };
  protected seq = 0;

  override onConnect(connection: Connection): void {
    connection.send(JSON.stringify({ type: "ready" }));
  }

  override onMessage(connection: Connection, message: WSMessage): void {
    if (typeof message !== "string") return;
    const { id, to, text } = JSON.parse(message) as Send;
    const from = connection.id;
    const entry = { type: "message", seq: ++this.seq, from, to, text, id, at: Date.now() };
    const frame = JSON.stringify(entry);
    this.store(frame);
    if (to === undefined) this.broadcast(frame);
    else for (const name of new Set([from, ...to])) this.getConnection(name)?.send(frame);
  }

  /** Overridden by the variant that stores. */
  protected store(_frame: string): void {}
}

export default {
  async fetch(request: Request, env: Env): Promise<Response> {
    const url = new URL(request.url);
    const stub = await getServerByName(env.ROOM, url.pathname.split("/").at(-1) ?? "");
    // partyserver takes a connection's id from this parameter.
    url.searchParams.set("_pk", url.searchParams.get("name") ?? "");
    return stub.fetch(new Request(url, request));
  },
};

/**
 * The fixtures of older releases: a room's database and its sockets' attachments, kept as text in test/fixtures.
 * fixture-scenario.ts writes them, and this file loads them into an object.
 *
 * This file knows no schema and no attachment version: a fixture brings its own tables, and attachments are loaded
 * unchanged.
 */
import { type Attachment, emptyRoom, type Fixture } from "./fixture-scenario.ts";
import { Client, type TestRoom } from "./workerd.ts";

const files = import.meta.glob<string>("../../fixtures/*/*", {
  eager: true,
  query: "?raw",
  import: "default",
});

/** The releases in test/fixtures, oldest first. */
export const keptReleases: readonly [release: string, Fixture][] = Object.keys(files)
  .filter((path) => path.endsWith("/room.sql"))
  .sort(new Intl.Collator("en", { numeric: true }).compare)
  .map((path) => {
    const text = (name: string): string => files[path.replace("room.sql", name)] ?? "";
    return [path.split("/").at(-2) ?? "", { sql: text("room.sql"), sockets: text("sockets.json") }];
  });

/** A room of an older release, hibernating under this release. */
export class KeptRoom {
  readonly room: TestRoom;
  readonly #clients: { readonly attachment: Attachment; readonly client: Client }[] = [];

  private constructor(room: TestRoom) {
    this.room = room;
  }

  /** Loads the fixture into an object, and lets it hibernate. */
  static async asleep({ sql, sockets }: Fixture): Promise<KeptRoom> {
    const kept = new KeptRoom(await emptyRoom());
    const { room } = kept;
    await room.inside((_object, { storage }) => {
      storage.sql.exec(sql);
    });
    for (const attachment of JSON.parse(sockets) as Attachment[]) {
      await kept.#accept(attachment);
    }
    await room.sleeps();
    return kept;
  }

  /** Returns the client at the other end of a kept socket. */
  client(name: string, over = false): Client {
    const found = this.#clients.find(
      ({ attachment }) => attachment.memo.link.name === name && attachment.over === over,
    );
    if (found === undefined) throw new Error(`the fixture has no socket of ${name}`);
    return found.client;
  }

  /** Only `fetch` can accept a socket and return its other end. */
  async #accept(attachment: Attachment): Promise<void> {
    await this.room.inside((object, state) => {
      object.fetch = () => {
        const { 0: client, 1: server } = new WebSocketPair();
        state.acceptWebSocket(server);
        server.serializeAttachment(attachment);
        return Promise.resolve(new Response(null, { status: 101, webSocket: client }));
      };
    });
    const answer = await this.room.stub.fetch("http://room/", {
      headers: { Upgrade: "websocket" },
    });
    if (answer.webSocket === null) throw new Error("no socket");
    const { name } = attachment.memo.link;
    this.#clients.push({ attachment, client: new Client(name, answer.webSocket, false) });
  }
}

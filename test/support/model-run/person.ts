/** The people of a model run: the state that outlives their connections, and the connections. */
import type { Delivered, ModelConnection } from "./room-model.ts";
import type { Client } from "../harness/workerd.ts";

/** One connection, as its client, the model and the object know it. */
export interface PersonConnection {
  readonly client: Client;
  readonly connection: ModelConnection;
  readonly id: string;
  /** It receives and sends nothing any more, but the room has not noticed. */
  isSilent: boolean;
  /** The close code; undefined while it is open. */
  code: number | undefined;
  /** It has ended, and the end was compared. */
  isOver: boolean;
  /** Number of delivered messages that its person has processed. */
  read: number;
}

/** Somebody with a name, a key and a cursor that outlive connections. */
export class Person {
  readonly name: string;
  readonly key: string;
  readonly connections: PersonConnection[] = [];
  attempt = 0;
  cursor: number | undefined;
  readonly seen: number[] = [];
  readonly gaps: { readonly from: number; readonly to: number }[] = [];

  constructor(name: string, key: string) {
    this.name = name;
    this.key = key;
  }

  /** The connection that the room holds as the current one; undefined if it has ended. */
  get current(): PersonConnection | undefined {
    const line = this.connections.at(-1);
    return line?.code === undefined ? line : undefined;
  }

  get active(): PersonConnection | undefined {
    return this.current?.isSilent === false ? this.current : undefined;
  }

  /** As in `chat.v1` clients, an entry at or below the cursor is a repeat. */
  processes(handed: Delivered): void {
    const { cursor = 0 } = this;
    if (handed.type === "message") {
      if (handed.seq <= cursor) return;
      this.seen.push(handed.seq);
      this.cursor = handed.seq;
    } else if (handed.to > cursor) {
      this.gaps.push({ from: Math.max(handed.from, cursor + 1), to: handed.to });
      this.cursor = handed.to;
    }
  }
}

/** Waits until the room has processed everything from this client, or has closed it. */
export async function hasProcessed({ client, connection }: PersonConnection): Promise<void> {
  const HELP = "who is here, and who is away";
  const answers = (): number =>
    connection.dialect === "chat.v1"
      ? client.all("who").length
      : client.lines.filter((line) => line.includes(HELP)).length;
  const before = answers();
  client.tells(connection.dialect === "chat.v1" ? { type: "who", id: `${before}` } : "/help");
  await client.until(() => answers() > before || client.closed !== undefined, "an answer");
}

/** Who takes part in a model run: people, with what outlives their connections, and the connections they had. */
import type { Delivered, ModelConnection } from "./room-model.ts";
import type { Client } from "../harness/workerd.ts";

/** One connection, as its client, the model and the object know it. */
export interface PersonConnection {
  readonly client: Client;
  readonly connection: ModelConnection;
  readonly id: string;
  /** It hears nothing and says nothing any more, and the room has not noticed. */
  isSilent: boolean;
  /** How it ended. */
  code: number | undefined;
  /** It ended, and that was looked at. */
  isOver: boolean;
  /** How much of what it was handed its person has processed. */
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

  /** The connection that the room holds for the current one, if it is not over. */
  get current(): PersonConnection | undefined {
    const line = this.connections.at(-1);
    return line?.code === undefined ? line : undefined;
  }

  get active(): PersonConnection | undefined {
    return this.current?.isSilent === false ? this.current : undefined;
  }

  /** As `chat.v1` clients do: what is not above the cursor is a repeat. */
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

/** The room has taken all that this client said, or has ended it. */
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

/**
 * The scenario that every release runs on the real object to make its fixture (test/fixtures). Entries 1 to 250 are
 * trimmed, 251 to 270 are stored; test/workerd/versions.test.ts checks what is pending for whom.
 */
import { type Client, TestRoom, withVars } from "./workerd.ts";

/** The owner of a name is a hash that includes the room, so a fixture must wake in a room of the same name. */
const ROOM = "harbour";

/** The keys by name; other names have none. */
export const KEYS: Readonly<Record<string, string>> = {
  ann: "ann's key",
  你好: "key 2",
  ivy: "ivy's key",
};

export interface Fixture {
  /** CREATE and INSERT statements. */
  readonly sql: string;
  /** The attachments as JSON, oldest connection first. */
  readonly sockets: string;
}

export interface Attachment {
  readonly over: boolean;
  readonly memo: { readonly link: { readonly name: string; readonly id: string } };
}

/** Returns a room of this name without connections and without a database. */
export async function emptyRoom(): Promise<TestRoom> {
  const room = new TestRoom(ROOM);
  await room.crashes();
  await room.inside((_object, { storage }) => storage.deleteAll());
  await room.crashes();
  return room;
}

const joins = (room: TestRoom, name: string, since?: number, epoch = ""): Promise<Client> => {
  const key = KEYS[name];
  return room.joins(name, {
    halfOpen: name === "max" || name === "ned",
    ...(key !== undefined && { key }),
    ...(since !== undefined && { query: { since, epoch, session: name, attempt: 7 } }),
  });
};

/** Waits until the room has processed everything from `client`, by its reply to a query. */
async function isProcessed(client: Client): Promise<void> {
  const id = `heard ${client.all("who").length}`;
  client.tells({ type: "who", id });
  await client.until(() => client.all("who").some((who) => who.id === id), "an answer");
}

async function leaves(client: Client): Promise<void> {
  client.closes(1000);
  await client.isClosed();
}

export async function playScenario(): Promise<Fixture> {
  const room = await emptyRoom();
  const vars = { WINDOW: "4", LOG_SHARE: "100" };
  const epoch = await withVars(vars, () => afternoon(room));
  // No leave is recorded, so kim's cursor is in the checkpoint only.
  await room.crashes();
  await withVars({ ...vars, LOG_ENTRIES: "24" }, () => evening(room, epoch));
  const fixture = await room.inside((_object, state) => ({
    sql: dump(state.storage.sql),
    sockets: `${JSON.stringify(attachments(state), undefined, 2)}\n`,
  }));
  await room.crashes();
  return fixture;
}

/** Runs up to the checkpoint and a little further. @returns the epoch */
async function afternoon(room: TestRoom): Promise<string> {
  // One row of many entries, trimmed later: the entries that gus sent and did not process are a gap for him.
  const gus = await joins(room, "gus");
  gus.tells(Array.from({ length: 250 }, (_, i) => ({ type: "send", id: `${i}`, text: `${i}` })));
  await gus.hearsKind("message", 4);
  await leaves(gus);
  const stay: Client[] = [];
  for (const name of ["ann", "bob", "max", "ned"]) stay.push(await joins(room, name));
  const kim = await joins(room, "kim");
  const lea = await joins(room, "lea");
  const hao = await joins(room, "你好");
  const eve = await room.joins("eve", { dialect: "chat.line" });
  await eve.hearsText("* welcome");

  eve.tells("kim: one");
  await kim.hears("one");
  eve.tells("lea: two");
  await lea.hears("two");
  for (const client of [kim, lea]) {
    client.acks(252);
    await isProcessed(client);
  }
  // Entry 256 is in this row, and a checkpoint of the cursors is written with it, in which kim has 252.
  eve.tells("*: tea?\n*: anyone?\n*: with milk\n*: or lemon");
  for (const client of [...stay, kim, lea, hao]) {
    await client.until(() => client.texts.at(-1) === "or lemon", "tea");
    client.acks(256);
    await isProcessed(client);
  }
  // Ivy's birth is after the tea; the rows of lea and 你好 are younger than the checkpoint.
  await leaves(await joins(room, "ivy"));
  await leaves(lea);
  await leaves(hao);
  return (await kim.hearsKind("welcome")).epoch;
}

/** Leaves entries pending for absent peers, and entries in flight. */
async function evening(room: TestRoom, epoch: string): Promise<void> {
  const ann = await joins(room, "ann", 256, epoch);
  const max = await joins(room, "max", 256, epoch);
  const eve = await room.joins("eve", { dialect: "chat.line" });
  await eve.hearsText("* welcome");
  await ann.isReady();
  await max.isReady();
  ann.says("while you were away", ["你好", "kim", "lea", "ivy"]);
  await ann.hears("while you were away");
  ann.acks(257);
  eve.tells("*: hello all");
  await max.hears("hello all");
  max.acks(258);
  // One row of three entries for different recipients.
  ann.tells([
    { type: "send", id: "ü", text: "grüß dich, 世界 🌍", to: ["你好"] },
    { type: "send", id: "quote", text: `"it's",\n\\ {}[] \u0007`, to: ["你好", "lea"] },
    { type: "send", id: "all", text: "good night" },
  ]);
  await max.hears("hello all", "good night");
  max.acks(261);
  ann.acks(261);
  await isProcessed(ann);

  // Bob returns to more than a window: he is not ready, and has acknowledged one entry of it.
  for (let i = 1; i <= 6; i++) max.says(`bob ${i}`, ["bob"]);
  await max.until(() => max.texts.includes("bob 4"), "bob 4");
  max.acks(265);
  await max.until(() => max.texts.includes("bob 6"), "bob 6");
  max.acks(267);
  const bob = await joins(room, "bob", 256, epoch);
  await bob.until(() => bob.texts.length === 4, "a window");
  bob.acks(258);
  await bob.until(() => bob.texts.length === 5, "one more");
  // Ann is ready, and has acknowledged one of three.
  for (let i = 1; i <= 3; i++) max.says(`ann ${i}`, ["ann"]);
  await ann.until(() => ann.texts.includes("ann 3"), "ann 3");
  ann.acks(268);
  await isProcessed(ann);
  await max.until(() => max.texts.includes("ann 3"), "ann 3");
  max.acks(270);
  await isProcessed(max);

  // Max takes over from himself, ned too, and ned leaves; the older sockets never answer their Close.
  const young = await room.joins("max", { query: { session: "max", attempt: 8 } });
  await young.isReady();
  await (await joins(room, "ned", 270, epoch)).isReady();
  const again = await room.joins("ned");
  await again.isReady();
  await leaves(again);
  await isProcessed(young);
}

/** Returns the database as SQL text. */
function dump(sql: SqlStorage): string {
  const tables = sql.exec<{ name: string; sql: string }>(
    "SELECT name, sql FROM sqlite_master WHERE type = 'table' ORDER BY name",
  );
  const statements: string[] = [];
  for (const table of tables.toArray()) {
    if (table.name.startsWith("_cf")) continue;
    statements.push(`${table.sql};`);
    for (const row of sql.exec(`SELECT * FROM ${table.name}`)) {
      const columns = Object.keys(row).join(", ");
      const values = Object.values(row).map(literal).join(", ");
      statements.push(`INSERT INTO ${table.name} (${columns}) VALUES (${values});`);
    }
  }
  return `${statements.join("\n")}\n`;
}

const literal = (value: SqlStorageValue): string =>
  typeof value === "string" ? `'${value.replaceAll("'", "''")}'` : JSON.stringify(value);

/** Returns the sockets' attachments, oldest connection first. */
function attachments(state: DurableObjectState): Attachment[] {
  const all = state.getWebSockets().map((ws) => ws.deserializeAttachment() as Attachment);
  return all.sort((a, b) => (a.memo.link.id < b.memo.link.id ? -1 : 1));
}

/**
 * A room's database as years would have left it: written by the room's own storage, on Node's SQLite, before a server
 * opens it. A million messages that way take seconds; sent one by one, so that each has a row of its own, half an hour.
 */
import { createHash, createHmac } from "node:crypto";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { encodeEntry } from "../../src/core/entry.ts";
import type { PeerName } from "../../src/protocol/ids.ts";
import { shift } from "../../src/protocol/ids.ts";
import type { Database } from "../../src/store/sql.ts";
import { RoomStorage } from "../../src/store/sqlite-storage.ts";
import { UNIQUE_KEY } from "../speed/rig/workerd.ts";

/** What lies in the log. */
export interface Past {
  readonly entries: number;
  /** Of a text, in characters. */
  readonly text: number;
  /** One commit, one row: the shape of a quiet room is 1, of a busy one many. */
  readonly entriesPerRow: number;
  /** Whom the entry is for, of `carol` and the others; all are from `alice`. */
  readonly to: (index: number) => string;
}

export interface Room {
  readonly name: string;
  readonly past?: Past;
  /** Names that are known and not here. */
  readonly absent?: number;
}

export const absentName = (index: number): string => `absent-${index}`;

const PEOPLE = ["alice", "bob", "carol", "dave", "erin", "frank"];
/** A day ago, so that nothing is expired. */
const AGE_MS = 86_400_000;

/** @param home where a server keeps its storage */
export function fill(home: string, room: Room): void {
  const { db } = filled(home, room);
  // On the disk before the server starts: else its first commits wait for all of this.
  db.exec("PRAGMA synchronous = FULL; PRAGMA wal_checkpoint(TRUNCATE)");
  db.close();
}

/** @returns the room's storage, on Node's SQLite */
export function filled(
  home: string,
  { name, past, absent = 0 }: Room,
): { readonly db: DatabaseSync; readonly storage: RoomStorage } {
  const folder = join(home, UNIQUE_KEY);
  mkdirSync(folder, { recursive: true });
  const db = new DatabaseSync(join(folder, `${objectId(name)}.sqlite`));
  db.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF; BEGIN");
  const storage = new RoomStorage(asDatabase(db), () => `${name}.filled`);
  const at = Date.now() - AGE_MS;
  const { log, directory } = storage;
  storage.atomically(() => {
    const strangers = Array.from({ length: absent }, (_, index) => absentName(index));
    for (const one of [...PEOPLE, ...strangers]) {
      const known = { owner: "", birth: log.head, cursor: log.head, seen: at, spent: [] };
      directory.claim(one as PeerName, known);
    }
  });
  storage.atomically(() => {});
  const { entries = 0, text = 0, entriesPerRow = 1, to = () => "carol" } = past ?? {};
  for (let done = 0; done < entries; done += entriesPerRow) {
    const count = Math.min(entriesPerRow, entries - done);
    const row = Array.from({ length: count }, (_, index) =>
      encodeEntry({
        seq: shift(log.head, index + 1),
        from: "alice" as PeerName,
        to: [to(done + index) as PeerName],
        text: "x".repeat(text),
        id: `${done + index}`,
        at,
      }),
    );
    storage.atomically(() => log.append(row));
  }
  db.exec("COMMIT");
  return { db, storage };
}

/** The id that workerd gives to the object of a name. */
function objectId(name: string): string {
  const key = createHash("sha256").update(UNIQUE_KEY).digest();
  const hmac = (data: string | Buffer): Buffer =>
    createHmac("sha256", key).update(data).digest().subarray(0, 16);
  const id = hmac(name);
  return Buffer.concat([id, hmac(id)]).toString("hex");
}

/** As much of the platform's SQL as the room uses. */
function asDatabase(db: DatabaseSync): Database {
  const prepared = new Map<string, ReturnType<DatabaseSync["prepare"]>>();
  const exec = (query: string, ...values: (string | number | null)[]): object => {
    let statement = prepared.get(query);
    if (statement === undefined) prepared.set(query, (statement = db.prepare(query)));
    return Object.assign(statement.iterate(...values), { rowsRead: 0, rowsWritten: 0 });
  };
  return {
    sql: { exec } as unknown as SqlStorage,
    transactionSync: (work) => work(),
    deleteAll: () => Promise.resolve(),
  };
}

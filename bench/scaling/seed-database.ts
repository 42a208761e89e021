/**
 * Writes the database of a room with a long history, with the room's own storage on Node's SQLite, before a server opens
 * it. A million messages take seconds this way; sending them one by one, each in a row of its own, takes half an hour.
 */
import { createHash, createHmac } from "node:crypto";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { encodeEntry } from "../../src/core/entry.ts";
import { addSeq, type PeerName } from "../../src/protocol/ids.ts";
import type { Database } from "../../src/store/sql.ts";
import { SqliteStorage } from "../../src/store/sqlite-storage.ts";
import { UNIQUE_KEY } from "../speed/rig/workerd.ts";

/** The contents of the log. */
export interface Past {
  readonly entries: number;
  /** Length of a text, in characters. */
  readonly text: number;
  /** Entries of one commit, and so of one row: 1 in a quiet room, many in a busy one. */
  readonly entriesPerRow: number;
  /** The recipient of an entry; the sender is always `alice`. */
  readonly to: (index: number) => string;
}

export interface Room {
  readonly name: string;
  readonly past?: Past;
  /** Number of known names that are absent. */
  readonly absent?: number;
}

export const absentName = (index: number): string => `absent-${index}`;

const PEOPLE = ["alice", "bob", "carol", "dave", "erin", "frank"];
/** The entries are a day old, so that none is expired. */
const AGE_MS = 86_400_000;

/** @param home the folder of a server's storage */
export function seedDatabase(home: string, room: Room): void {
  const { db } = seededStorage(home, room);
  // Sync to disk now, because the server's first commits would wait for it otherwise.
  db.exec("PRAGMA synchronous = FULL; PRAGMA wal_checkpoint(TRUNCATE)");
  db.close();
}

/** @returns the room's storage, on Node's SQLite */
export function seededStorage(
  home: string,
  { name, past, absent = 0 }: Room,
): { readonly db: DatabaseSync; readonly storage: SqliteStorage } {
  const folder = join(home, UNIQUE_KEY);
  mkdirSync(folder, { recursive: true });
  const db = new DatabaseSync(join(folder, `${objectId(name)}.sqlite`));
  db.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF; BEGIN");
  const storage = new SqliteStorage(asDatabase(db), () => `${name}.filled`);
  const at = Date.now() - AGE_MS;
  const { log, directory } = storage;
  storage.transaction(() => {
    const absentNames = Array.from({ length: absent }, (_, index) => absentName(index));
    for (const one of [...PEOPLE, ...absentNames]) {
      const known = { owner: "", birth: log.head, cursor: log.head, seen: at, spent: [] };
      directory.claim(one as PeerName, known);
    }
  });
  storage.transaction(() => {});
  const { entries = 0, text = 0, entriesPerRow = 1, to = () => "carol" } = past ?? {};
  for (let done = 0; done < entries; done += entriesPerRow) {
    const count = Math.min(entriesPerRow, entries - done);
    const row = Array.from({ length: count }, (_, index) =>
      encodeEntry({
        type: "message",
        seq: addSeq(log.head, index + 1),
        from: "alice" as PeerName,
        to: [to(done + index) as PeerName],
        text: "x".repeat(text),
        id: `${done + index}`,
        at,
      }),
    );
    storage.transaction(() => log.append(row));
  }
  db.exec("COMMIT");
  return { db, storage };
}

/** Returns the id that workerd derives for the object of a name. */
function objectId(name: string): string {
  const key = createHash("sha256").update(UNIQUE_KEY).digest();
  const hmac = (data: string | Buffer): Buffer =>
    createHmac("sha256", key).update(data).digest().subarray(0, 16);
  const id = hmac(name);
  return Buffer.concat([id, hmac(id)]).toString("hex");
}

/** Adapts Node's SQLite to the part of the platform's SQL that the room uses. */
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

/** partyserver with one INSERT per message. */
import worker, { Party } from "./party.ts";

export class PartyInsert extends Party {
  override onStart(): void {
    const { sql } = this.ctx.storage;
    sql.exec("CREATE TABLE IF NOT EXISTS messages (seq INTEGER PRIMARY KEY, entry TEXT NOT NULL)");
    this.seq = Number(sql.exec("SELECT coalesce(max(seq), 0) AS seq FROM messages").one()["seq"]);
  }

  protected override store(frame: string): void {
    this.ctx.storage.sql.exec("INSERT INTO messages VALUES (?, ?)", this.seq, frame);
  }
}

export default worker;

/** The baseline that stores: the relay with one INSERT per message. */
import worker, { Relay } from "./relay.ts";

export class Insert extends Relay {
  constructor(...args: ConstructorParameters<typeof Relay>) {
    super(...args);
    const { sql } = this.ctx.storage;
    sql.exec("CREATE TABLE IF NOT EXISTS messages (seq INTEGER PRIMARY KEY, entry TEXT NOT NULL)");
    this.seq = Number(sql.exec("SELECT coalesce(max(seq), 0) AS seq FROM messages").one()["seq"]);
  }

  protected override store(_from: string, _to: readonly string[] | undefined, entry: string): void {
    this.ctx.storage.sql.exec("INSERT INTO messages VALUES (?, ?)", this.seq, entry);
  }
}

export default worker;

/** A storage that fails once, at its n-th write or at the commit of a turn, and works again after that. */

export type Fault = number | "commit";

const WRITES = /^\s*(INSERT|UPDATE|DELETE)/;

export class FaultInjector {
  hasFired = false;
  readonly #storage: DurableObjectStorage;
  readonly #exec: SqlStorage["exec"];
  readonly #transactionSync: DurableObjectStorage["transactionSync"];

  /** Must be constructed inside the object. */
  constructor(storage: DurableObjectStorage, fault: Fault) {
    this.#storage = storage;
    const { sql } = storage;
    this.#exec = sql.exec;
    this.#transactionSync = storage.transactionSync;
    let writes = 0;
    sql.exec = (query, ...values) => {
      if (WRITES.test(query) && ++writes === fault) this.#fail();
      return this.#exec.call(sql, query, ...values) as never;
    };
    storage.transactionSync = (work) =>
      this.#transactionSync.call(storage, () => {
        const result = work();
        if (fault === "commit") this.#fail();
        return result;
      }) as never;
  }

  restore(): void {
    this.#storage.sql.exec = this.#exec;
    this.#storage.transactionSync = this.#transactionSync;
  }

  #fail(): never {
    this.hasFired = true;
    this.restore();
    throw new Error("database or disk is full");
  }
}

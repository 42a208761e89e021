/** Promises that wait for the room, by the id of their message or request. */
import type { ChatError } from "./errors.ts";

interface Waiter<Value> {
  readonly resolve: (value: Value) => void;
  readonly reject: (error: ChatError) => void;
}

export class Pending<Value> {
  readonly #waiters = new Map<string, Waiter<Value>>();

  add(id: string): Promise<Value> {
    return new Promise((resolve, reject) => this.#waiters.set(id, { resolve, reject }));
  }

  resolve(id: string, value: Value): void {
    this.#take(id)?.resolve(value);
  }

  /** @returns whether somebody waited for it */
  reject(id: string, error: ChatError): boolean {
    const waiter = this.#take(id);
    waiter?.reject(error);
    return waiter !== undefined;
  }

  rejectAll(error: ChatError): void {
    for (const waiter of this.#waiters.values()) waiter.reject(error);
    this.#waiters.clear();
  }

  #take(id: string): Waiter<Value> | undefined {
    const waiter = this.#waiters.get(id);
    this.#waiters.delete(id);
    return waiter;
  }
}

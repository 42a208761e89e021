/**
 * A browser page as the client library sees it: the source of `online` events. Each client has a page of its own, which
 * closes when the client's process dies.
 */

type Listener = () => void;

export class Page {
  static readonly #open = new Set<Page>();
  readonly #listeners = new Set<Listener>();

  /** Makes a client whose listeners are registered on this page. */
  attach<Client>(make: () => Client): Client {
    const add = (_type: string, listener: Listener): void => void this.#listeners.add(listener);
    const document = { visibilityState: "visible", addEventListener: add, removeEventListener };
    Object.assign(globalThis, { document, addEventListener: add, removeEventListener });
    Page.#open.add(this);
    return make();
  }

  /** Number of listeners. */
  get listenerCount(): number {
    return this.#listeners.size;
  }

  /** The client's process is gone, with all its listeners. */
  closes(): void {
    Page.#open.delete(this);
    this.#listeners.clear();
  }

  /** Fires `online` on every page of this process: clients that wait to retry now retry at once. */
  static fireOnline(): void {
    for (const page of Page.#open) for (const listener of page.#listeners) listener();
  }

  static removeListener(listener: Listener): void {
    for (const page of Page.#open) page.#listeners.delete(listener);
  }
}

const removeEventListener = (_type: string, listener: Listener): void =>
  Page.removeListener(listener);

/**
 * What a browser's page is to the client library: somebody who says that the network is back. Each client has a page
 * of its own, as in a browser, which goes when the client's process dies.
 */

type Listener = () => void;

export class Page {
  static readonly #open = new Set<Page>();
  readonly #listeners = new Set<Listener>();

  /** Makes a client: what it listens to is this page, from now on. */
  hosts<Client>(make: () => Client): Client {
    const add = (_type: string, listener: Listener): void => void this.#listeners.add(listener);
    const document = { visibilityState: "visible", addEventListener: add, removeEventListener };
    Object.assign(globalThis, { document, addEventListener: add, removeEventListener });
    Page.#open.add(this);
    return make();
  }

  /** How many listen. */
  get listening(): number {
    return this.#listeners.size;
  }

  /** Its process is gone, and all that listened with it. */
  dies(): void {
    Page.#open.delete(this);
    this.#listeners.clear();
  }

  /** The network is back, for every client of this process: whoever waits to try again tries now. */
  static comesBack(): void {
    for (const page of Page.#open) for (const listener of page.#listeners) listener();
  }

  static forgets(listener: Listener): void {
    for (const page of Page.#open) page.#listeners.delete(listener);
  }
}

const removeEventListener = (_type: string, listener: Listener): void => Page.forgets(listener);

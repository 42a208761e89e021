/**
 * The known names, and which of them are online: loaded from pages of `who`, and updated by presence.
 *
 * Invariants:
 * - A load never overwrites presence that arrived while it was under way.
 * - After a load, no state is older than the load. In a room of more names than are loaded, a name beyond the last page
 *   is not shown until presence reports it.
 */

/** Names shown. In a larger room, a line shows how many more there are. */
export const SHOWN_MAX = 500;
/** Pages of `who` in one load: each counts towards the rate limit. */
export const PAGES_MAX = 5;

export interface Person {
  readonly name: string;
  readonly isOnline: boolean;
}

interface Names {
  readonly joined: readonly string[];
  readonly left: readonly string[];
}

export class Roster {
  readonly #known = new Map<string, boolean>();
  /** The names that presence changed since the load began, and those that the load listed; undefined without a load. */
  #load: { readonly changed: Set<string>; readonly listed: Set<string> } | undefined;

  /** A load begins, and replaces an earlier one. */
  beginLoad(): void {
    this.#load = { changed: new Set(), listed: new Set() };
  }

  addPage(peers: readonly { readonly name: string; readonly online: boolean }[]): void {
    for (const { name, online } of peers) {
      this.#load?.listed.add(name);
      if (!this.#load?.changed.has(name)) this.#known.set(name, online);
    }
  }

  /** The load has all its pages. */
  endLoad(): void {
    const { changed, listed } = this.#load ?? {};
    for (const name of this.#known.keys()) {
      if (!changed?.has(name) && !listed?.has(name)) this.#known.delete(name);
    }
    this.#load = undefined;
  }

  onPresence({ joined, left }: Names): void {
    for (const name of joined) this.#set(name, true);
    for (const name of left) this.#set(name, false);
  }

  /** Online people first, each group sorted by name. */
  get people(): readonly Person[] {
    const people = [...this.#known].map(([name, isOnline]) => ({ name, isOnline }));
    return people.sort(
      (a, b) => Number(b.isOnline) - Number(a.isOnline) || a.name.localeCompare(b.name),
    );
  }

  #set(name: string, isOnline: boolean): void {
    this.#load?.changed.add(name);
    this.#known.set(name, isOnline);
  }
}

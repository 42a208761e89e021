/**
 * Who is known, and who of them is here: from pages of `who`, kept up with presence.
 *
 * Invariants:
 * - A name that presence told of while a reading was under way is not set back by it.
 * - After a reading, nothing older than it is claimed: a name that it did not come to, in a room of more names than are
 *   asked for, is not shown until presence tells of it.
 */

/** Names shown. A larger room tells how many more there are. */
export const SHOWN = 500;
/** Pages of `who` that are asked for: each costs of the allowance. */
export const PAGES = 5;

export interface Person {
  readonly name: string;
  readonly isHere: boolean;
}

interface Names {
  readonly joined: readonly string[];
  readonly left: readonly string[];
}

export class Roster {
  readonly #known = new Map<string, boolean>();
  /** What presence told since a reading began, and what that came to; undefined while none is under way. */
  #reading: { readonly told: Set<string>; readonly read: Set<string> } | undefined;

  /** Names are about to be asked for anew; an earlier reading is over. */
  begin(): void {
    this.#reading = { told: new Set(), read: new Set() };
  }

  page(peers: readonly { readonly name: string; readonly online: boolean }[]): void {
    for (const { name, online } of peers) {
      this.#reading?.read.add(name);
      if (!this.#reading?.told.has(name)) this.#known.set(name, online);
    }
  }

  /** All pages came that were asked for. */
  end(): void {
    const { told, read } = this.#reading ?? {};
    for (const name of this.#known.keys()) {
      if (!told?.has(name) && !read?.has(name)) this.#known.delete(name);
    }
    this.#reading = undefined;
  }

  presence({ joined, left }: Names): void {
    for (const name of joined) this.#set(name, true);
    for (const name of left) this.#set(name, false);
  }

  /** Those here first, each group by name. */
  get people(): readonly Person[] {
    const people = [...this.#known].map(([name, isHere]) => ({ name, isHere }));
    return people.sort(
      (a, b) => Number(b.isHere) - Number(a.isHere) || a.name.localeCompare(b.name),
    );
  }

  #set(name: string, isHere: boolean): void {
    this.#reading?.told.add(name);
    this.#known.set(name, isHere);
  }
}

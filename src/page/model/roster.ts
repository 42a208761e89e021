/**
 * Who is known, and who of them is here: from pages of `who`, kept up with presence.
 *
 * Invariant: a name that presence told of while a page was under way is not set back by that page.
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
  /** What presence told since a reading began; undefined while none is under way. */
  #news: Set<string> | undefined;

  /** Names are about to be asked for anew. */
  begin(): void {
    this.#news = new Set();
  }

  page(peers: readonly { readonly name: string; readonly online: boolean }[]): void {
    for (const { name, online } of peers) {
      if (!this.#news?.has(name)) this.#known.set(name, online);
    }
  }

  end(): void {
    this.#news = undefined;
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
    this.#news?.add(name);
    this.#known.set(name, isHere);
  }
}

/** What the runner needs of a list of mutants, whatever finds them. */
import type { Edit } from "./list.ts";

export interface Judged {
  readonly name: string;
  readonly edits: readonly Edit[];
}

/** How mutants of one list are tried. */
export interface Judge<One extends Judged> {
  readonly mutants: readonly One[];
  title(mutant: One): string;
  /** @returns why a verdict would say nothing: the copy without the mutant is not sound */
  soundness(copy: string, mutant: One): string | undefined;
  /** Tries the copy in which the mutant is applied. */
  verdict(copy: string, mutant: One): { readonly isKilled: boolean; readonly text: string };
}

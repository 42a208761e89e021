/** The interface between the runner and a list of mutants. */
import type { Edit } from "./list.ts";

export interface CheckedMutant {
  readonly name: string;
  readonly edits: readonly Edit[];
}

/** How the mutants of one list are checked. */
export interface MutantChecker<One extends CheckedMutant> {
  readonly mutants: readonly One[];
  title(mutant: One): string;
  /** @returns why a verdict would mean nothing: the copy fails without the mutant */
  soundness(copy: string, mutant: One): string | undefined;
  /** Checks the copy with the mutant applied. */
  verdict(copy: string, mutant: One): { readonly isKilled: boolean; readonly text: string };
}

/**
 * Explores every state that a model can reach, breadth first, and knows nothing of what the model is about.
 *
 * What it proves of a model whose exploration ends without a violation:
 * - Safety: no step that can be taken throws a `Violation`, and every state is sound.
 * - Liveness: the *quiet* steps are those that happen by themselves once nothing is disturbed any more. A state without
 *   one is a good end, and quiet steps never run in a circle. So from every state that can be reached, every quiet
 *   future, in any order, comes to a good end.
 *
 * Breadth first, so the first violation found has a shortest trace.
 */
import { Numbers, Visited } from "./visited.ts";

/** A rule that does not hold. */
export class Violation extends Error {
  readonly rule: string;

  constructor(rule: string, message: string) {
    super(`${rule}: ${message}`);
    this.rule = rule;
  }
}

export interface Step<State> {
  /** What happens, for people. */
  words(): string;
  /** It happens by itself in a quiet world. */
  readonly isQuiet: boolean;
  /** @throws Violation */
  take(): State;
}

export interface Model<State> {
  readonly initial: State;
  /** All that can happen next, in an order that depends on the state alone. */
  steps(state: State): readonly Step<State>[];
  /** The same text for states that behave the same from here on, and only for those. */
  text(state: State): string;
  /** @throws Violation */
  isSound(state: State): void;
  /** Asked of states in which no quiet step is left. @throws Violation */
  isGoodEnd(state: State): void;
}

export interface Found {
  readonly message: string;
  /** What happened, step by step. */
  readonly trace: readonly string[];
}

export interface Report {
  readonly states: number;
  readonly transitions: number;
  readonly depth: number;
  /** States in which nothing happens by itself any more. */
  readonly ends: number;
  readonly seconds: number;
  /** Not everything was explored: there were more states than allowed. */
  readonly isCut: boolean;
  readonly violation: Found | undefined;
}

export interface Bounds {
  /** Stops after this many states. */
  readonly states?: number;
  /** Called now and then. */
  readonly onProgress?: (states: number, depth: number) => void;
}

export function explore<State>(model: Model<State>, bounds: Bounds = {}): Report {
  return new Exploration(model, bounds).run();
}

class Exploration<State> {
  readonly #model: Model<State>;
  readonly #bounds: Bounds;
  readonly #seen = new Visited();
  /** How each state was first reached: from which, by which of its steps. */
  readonly #parents = new Numbers();
  readonly #ordinals = new Numbers();
  /** The quiet steps, as pairs of states. */
  readonly #from = new Numbers();
  readonly #to = new Numbers();
  #transitions = 0;
  #depth = 0;
  #ends = 0;

  constructor(model: Model<State>, bounds: Bounds) {
    this.#model = model;
    this.#bounds = bounds;
  }

  run(): Report {
    const start = performance.now();
    const { states: most = Number.POSITIVE_INFINITY } = this.#bounds;
    let violation = this.#levels(most);
    const isCut = this.#seen.size >= most;
    if (violation === undefined && !isCut) violation = this.#circle();
    return {
      states: this.#seen.size,
      transitions: this.#transitions,
      depth: this.#depth,
      ends: this.#ends,
      seconds: (performance.now() - start) / 1_000,
      isCut,
      violation,
    };
  }

  #levels(most: number): Found | undefined {
    const { initial } = this.#model;
    this.#seen.add(this.#model.text(initial));
    this.#parents.push(0);
    this.#ordinals.push(0);
    let first = 0;
    let level: State[] = [initial];
    for (; level.length > 0 && this.#seen.size < most; this.#depth++) {
      const next: State[] = [];
      for (const [offset, state] of level.entries()) {
        const violation = this.#expand(state, first + offset, next);
        if (violation !== undefined) return violation;
      }
      first += level.length;
      level = next;
      this.#bounds.onProgress?.(this.#seen.size, this.#depth);
    }
    return undefined;
  }

  /** Takes every step from one state. */
  #expand(state: State, number: number, next: State[]): Found | undefined {
    const steps = this.#model.steps(state);
    for (const [ordinal, step] of steps.entries()) {
      let after: State;
      try {
        after = step.take();
        this.#model.isSound(after);
      } catch (error) {
        return { message: sentence(error), trace: [...this.#traceTo(number), step.words()] };
      }
      this.#transitions++;
      const { number: reached, isNew } = this.#seen.add(this.#model.text(after));
      if (isNew) {
        this.#parents.push(number);
        this.#ordinals.push(ordinal);
        next.push(after);
      }
      if (step.isQuiet) {
        this.#from.push(number);
        this.#to.push(reached);
      }
    }
    if (steps.some(({ isQuiet }) => isQuiet)) return undefined;
    this.#ends++;
    try {
      this.#model.isGoodEnd(state);
    } catch (error) {
      return { message: sentence(error), trace: this.#traceTo(number) };
    }
    return undefined;
  }

  /** Takes away states that no quiet step leads to, again and again; what is left over runs in a circle. */
  #circle(): Found | undefined {
    const leadingTo = new Numbers(this.#seen.size);
    for (let edge = 0; edge < this.#to.length; edge++) leadingTo.add(this.#to.at(edge), 1);
    const free: number[] = [];
    for (let state = 0; state < this.#seen.size; state++)
      if (leadingTo.at(state) === 0) free.push(state);
    // The steps from one state were noted in a row.
    const count = this.#from.length;
    const rows = new Numbers(this.#seen.size);
    for (let edge = this.#from.length - 1; edge >= 0; edge--)
      rows.set(this.#from.at(edge), edge + 1);
    for (let state = free.pop(); state !== undefined; state = free.pop()) {
      const row = rows.at(state) - 1;
      for (let edge = row; edge >= 0 && edge < count && this.#from.at(edge) === state; edge++) {
        const target = this.#to.at(edge);
        leadingTo.add(target, -1);
        if (leadingTo.at(target) === 0) free.push(target);
      }
    }
    for (let state = 0; state < this.#seen.size; state++) {
      if (leadingTo.at(state) === 0) continue;
      return { message: "R11: a quiet network never comes to rest", trace: this.#traceTo(state) };
    }
    return undefined;
  }

  /** Takes the way to a state once more, and tells it. */
  #traceTo(number: number): string[] {
    const ordinals: number[] = [];
    for (let at = number; at > 0; at = this.#parents.at(at))
      ordinals.unshift(this.#ordinals.at(at));
    let state = this.#model.initial;
    return ordinals.map((ordinal) => {
      const step = this.#model.steps(state)[ordinal];
      if (step === undefined) throw new Error("the model does not do the same twice");
      state = step.take();
      return step.words();
    });
  }
}

const sentence = (error: unknown): string => {
  if (error instanceof Violation) return error.message;
  return `R7: it threw ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`;
};

/**
 * Explores every state that a model can reach, breadth first. It knows nothing about the model's subject.
 *
 * An exploration without a violation proves:
 * - Safety: no possible step throws a `Violation`, and every state is sound.
 * - Liveness: *quiet* steps are those that happen by themselves once there are no more faults. A state without a quiet
 *   step is a good end, and quiet steps never form a cycle. So from every reachable state, every sequence of quiet
 *   steps, in any order, comes to a good end.
 *
 * The search is breadth first, so the first violation found has a shortest trace.
 */
import { Numbers, Visited } from "./visited.ts";

/** A rule was violated. */
export class Violation extends Error {
  readonly rule: string;

  constructor(rule: string, message: string) {
    super(`${rule}: ${message}`);
    this.rule = rule;
  }
}

export interface Step<State> {
  /** Describes the step, for the trace. */
  describe(): string;
  /** It happens by itself, without a fault or a user. */
  readonly isQuiet: boolean;
  /** @throws Violation */
  take(): State;
}

export interface Model<State> {
  readonly initial: State;
  /** Returns all steps possible next, in an order that depends on the state alone. */
  steps(state: State): readonly Step<State>[];
  /** Returns the same text for states that behave the same from here on, and only for those. */
  canonicalText(state: State): string;
  /** @throws Violation */
  isSound(state: State): void;
  /** Called for states without a quiet step. @throws Violation */
  isGoodEnd(state: State): void;
}

export interface Found {
  readonly message: string;
  /** The steps, in order. */
  readonly trace: readonly string[];
}

export interface Report {
  readonly states: number;
  readonly transitions: number;
  readonly depth: number;
  /** Number of states without a quiet step. */
  readonly ends: number;
  readonly seconds: number;
  /** The exploration stopped at the bound on states. */
  readonly isCut: boolean;
  readonly violation: Found | undefined;
}

export interface Bounds {
  /** Stops after this number of states. */
  readonly states?: number;
  /** Called after each level. */
  readonly onProgress?: (states: number, depth: number) => void;
}

export function explore<State>(model: Model<State>, bounds: Bounds = {}): Report {
  return new Exploration(model, bounds).run();
}

class Exploration<State> {
  readonly #model: Model<State>;
  readonly #bounds: Bounds;
  readonly #visited = new Visited();
  /** How each state was first reached: the number of its parent, and of the parent's step. */
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
    let violation = this.#exploreLevels(most);
    const isCut = this.#visited.size >= most;
    if (violation === undefined && !isCut) violation = this.#findCycle();
    return {
      states: this.#visited.size,
      transitions: this.#transitions,
      depth: this.#depth,
      ends: this.#ends,
      seconds: (performance.now() - start) / 1_000,
      isCut,
      violation,
    };
  }

  #exploreLevels(most: number): Found | undefined {
    const { initial } = this.#model;
    this.#visited.add(this.#model.canonicalText(initial));
    this.#parents.push(0);
    this.#ordinals.push(0);
    let first = 0;
    let level: State[] = [initial];
    for (; level.length > 0 && this.#visited.size < most; this.#depth++) {
      const next: State[] = [];
      for (const [offset, state] of level.entries()) {
        const violation = this.#expand(state, first + offset, next);
        if (violation !== undefined) return violation;
      }
      first += level.length;
      level = next;
      this.#bounds.onProgress?.(this.#visited.size, this.#depth);
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
        return { message: messageOf(error), trace: [...this.#traceTo(number), step.describe()] };
      }
      this.#transitions++;
      const { number: reached, isNew } = this.#visited.add(this.#model.canonicalText(after));
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
      return { message: messageOf(error), trace: this.#traceTo(number) };
    }
    return undefined;
  }

  /** Removes states that no quiet step leads to, until none is left; the remaining states form a cycle. */
  #findCycle(): Found | undefined {
    const leadingTo = new Numbers(this.#visited.size);
    for (let edge = 0; edge < this.#to.length; edge++) leadingTo.add(this.#to.at(edge), 1);
    const free: number[] = [];
    for (let state = 0; state < this.#visited.size; state++)
      if (leadingTo.at(state) === 0) free.push(state);
    // The steps from one state are adjacent.
    const count = this.#from.length;
    const rows = new Numbers(this.#visited.size);
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
    for (let state = 0; state < this.#visited.size; state++) {
      if (leadingTo.at(state) === 0) continue;
      return { message: "R11: quiet steps form a cycle", trace: this.#traceTo(state) };
    }
    return undefined;
  }

  /** Repeats the steps to a state, and describes them. */
  #traceTo(number: number): string[] {
    const ordinals: number[] = [];
    for (let at = number; at > 0; at = this.#parents.at(at))
      ordinals.unshift(this.#ordinals.at(at));
    let state = this.#model.initial;
    return ordinals.map((ordinal) => {
      const step = this.#model.steps(state)[ordinal];
      if (step === undefined) throw new Error("the model is not deterministic");
      state = step.take();
      return step.describe();
    });
  }
}

const messageOf = (error: unknown): string => {
  if (error instanceof Violation) return error.message;
  return `R7: it threw ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`;
};

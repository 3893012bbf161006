import { ExecVertex, type RunOptions } from "./exec.ts";
import type { FileActions } from "./file-actions.ts";
import { FileVertex } from "./file-vertex.ts";
import type { Vertex, VertexOptions } from "./vertex.ts";

/** One output of a vertex. */
export interface Output {
  readonly vertex: Vertex;
  readonly index: number;
}

/**
 * A filesystem to be: one output of a vertex, or nothing at all ("scratch"). Immutable; methods give new states.
 *
 * It knows no environment, working directory or user: that is the business of whoever writes instructions down.
 */
export class State {
  readonly #resolve: () => Output | undefined;
  /** @param resolve called when the graph is marshalled; must always give the same */
  constructor(resolve: () => Output | undefined) {
    this.#resolve = resolve;
  }
  /** `undefined` for scratch. */
  get output(): Output | undefined {
    return this.#resolve();
  }
  /** This filesystem after changes by file actions. */
  file(actions: FileActions, options: VertexOptions = {}): State {
    return stateOf(new FileVertex(this, actions, options));
  }
  /** This filesystem after a process has run in it. */
  run(run: RunOptions, options: VertexOptions = {}): State {
    return stateOf(new ExecVertex(this, run, options));
  }
  /** What a process that runs in this filesystem leaves at `target`, where a mount of it has an output. */
  runInto(target: string, run: RunOptions, options: VertexOptions = {}): State {
    const vertex = new ExecVertex(this, run, options);
    return stateOf(vertex, vertex.outputAt(target));
  }
}

/** Output `index` of `vertex`. */
export function stateOf(vertex: Vertex, index = 0): State {
  const output = { vertex, index };
  return new State(() => output);
}

/** The empty filesystem. */
export const scratch: State = new State(() => undefined);

/** A state that is decided later: when the graph is marshalled (or merged, which must know what is empty). */
export function deferredState(decide: () => State): State {
  let decided: State | undefined;
  return new State(() => {
    decided ??= decide();
    return decided.output;
  });
}

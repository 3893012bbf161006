import { asBuildError, BuildError } from "../../base/errors/mod.ts";
import type { Result } from "./op.ts";

/**
 * The failure of an op together with what it has left behind, for people who want to look into it. The text is the cause's.
 *
 * Whoever has one holds its results, like those of a run that went well: an op that throws it hands them to the solver, which gives each job
 * holds of its own until the job is closed.
 */
export class FailedRun<R extends Result> extends BuildError {
  /** What each mount of the op began with, or its inputs where it has no mounts; `undefined`: nothing that can be looked into. */
  readonly inputs: readonly (R | undefined)[];
  /** What each mount of the op, or each of its actions, held in the end; where nothing was written that is what it began with. */
  readonly mounts: readonly (R | undefined)[];
  /** Which action of the op it was, where it has several. */
  readonly action: number | undefined;

  constructor(
    cause: unknown,
    left: {
      readonly inputs: readonly (R | undefined)[];
      readonly mounts: readonly (R | undefined)[];
      readonly action?: number | undefined;
    },
  ) {
    const { code, message, location, details } = asBuildError(cause);
    super(code, message, { cause, location, details });
    this.inputs = left.inputs;
    this.mounts = left.mounts;
    this.action = left.action;
  }

  /** Every result once. */
  get held(): readonly R[] {
    return [...new Set([...this.inputs, ...this.mounts])].filter((result) => result !== undefined);
  }

  /** The same failure, with holds of its own. */
  clone(): FailedRun<R> {
    const clones = new Map(this.held.map((result) => [result, result.clone()]));
    const own = (results: readonly (R | undefined)[]) => results.map((result) => result && clones.get(result));
    const { cause, inputs, mounts, action } = this;
    return new FailedRun(cause, { inputs: own(inputs), mounts: own(mounts), action });
  }
}

import { asBuildError, BuildError } from "../../base/errors/mod.ts";
import type { Result } from "./op.ts";

/** Why the content of an input could not be told. The text is the cause's. */
export class UnreadableInput<R extends Result> extends BuildError {
  /** Which input of the vertex. */
  readonly index: number;
  /** What was looked into; the job holds it. */
  readonly result: R;

  constructor(cause: unknown, index: number, result: R) {
    const { code, message, location, details } = asBuildError(cause);
    super(code, message, { cause, location, details });
    this.index = index;
    this.result = result;
  }
}

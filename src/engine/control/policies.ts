import type { pb, sourcepolicy } from "../../api/mod.ts";
import { BuildError } from "../../base/errors/mod.ts";
import type { SourcePolicy } from "../policy/mod.ts";

/** Rules about sources. */
export type Policies = readonly sourcepolicy.Policy[];

/** Applies rules to a source; what they refuse is said to be about `what`. */
export function applied(policy: SourcePolicy, op: pb.SourceOp, what: string): pb.SourceOp {
  try {
    return policy.apply(op);
  } catch (error) {
    if (!(error instanceof BuildError)) throw error;
    throw new BuildError(error.code, `${what}: ${error.message}`, { cause: error });
  }
}

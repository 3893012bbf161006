import type { sourcepolicy } from "../../api/mod.ts";
import { BuildError, isAbort } from "../../base/errors/mod.ts";

/** Rules about sources. */
export type Policies = readonly sourcepolicy.Policy[];

/** What rules or the client's policy refuse is said to be about `what`. */
export async function explained<T>(what: string, decide: () => Promise<T>): Promise<T> {
  try {
    return await decide();
  } catch (error) {
    if (!(error instanceof BuildError) || isAbort(error)) throw error;
    const { code, details, location } = error;
    throw new BuildError(code, `${what}: ${error.message}`, { cause: error, details, location });
  }
}

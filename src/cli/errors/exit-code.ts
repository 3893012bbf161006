import { BuildError, isAbort } from "../../base/errors/mod.ts";

/** The process's exit code for a failure, as docker buildx sets it. */
export function exitCodeOf(error: unknown): number {
  if (isAbort(error)) return 130;
  if (error instanceof BuildError) {
    if (error.code === "internal") return 100;
    if (error.code === "resource_exhausted") return 102;
  }
  return 1;
}

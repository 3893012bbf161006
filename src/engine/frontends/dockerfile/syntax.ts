import { BuildError, type SourceRange } from "../../../base/errors/mod.ts";
import { notSupportedYet } from "../../../dockerfile/mod.ts";
import { parseReference, type Reference } from "../../../oci/mod.ts";

/** Whether `ref` names the frontend that is built in: `docker/dockerfile` in any version 1, `dockerfile.v0`. */
export function isBuiltinFrontend(ref: string): boolean {
  if (ref === "dockerfile.v0") return true;
  let reference: Reference;
  try {
    reference = parseReference(ref);
  } catch {
    return false;
  }
  const { registry, repository, tag = "latest" } = reference;
  return registry === "docker.io" && repository === "docker/dockerfile" && /^(latest|labs|1|1[.-].*)$/.test(tag);
}

/**
 * Refuses a file that wants another frontend.
 * @param range of the line that says so; without it, `BUILDKIT_SYNTAX` did
 * @throws {BuildError} `unimplemented`
 */
export function checkSyntax(ref: string, range: SourceRange | undefined): void {
  if (isBuiltinFrontend(ref)) return;
  if (range) throw notSupportedYet(`syntax ${ref} (only docker/dockerfile:1 is built in; frontend images)`, range);
  throw new BuildError(
    "unimplemented",
    `BUILDKIT_SYNTAX=${ref}: only docker/dockerfile:1 is built in, frontend images are not supported yet`,
  );
}

import { asBuildError, BuildError, type ErrorCode } from "../../base/errors/mod.ts";

/** Codes by which clients tell kinds of failure apart. */
const telling: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  "canceled",
  "deadline_exceeded",
  "internal",
  "resource_exhausted",
]);
/** Where this is said, clients look at the code, too. */
const capabilityType = "github.com/moby/buildkit/errdefs.FrontendCap+json";

/**
 * The failure of a build as it leaves the engine. Most have the code `unknown` then, as BuildKit's have: clients written in Go print any other code in
 * front of the words that people search for.
 */
export function buildFailure(error: unknown): BuildError {
  const known = asBuildError(error);
  const { code, message, location, details } = known;
  if (code === "unknown" || telling.has(code)) return known;
  if (code === "unimplemented" && details.some(({ typeUrl }) => typeUrl === capabilityType)) return known;
  return new BuildError("unknown", message, { cause: error, location, details });
}

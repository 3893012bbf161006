import { BuildError } from "../../base/errors/mod.ts";
import { parseReference, repositoryName } from "../../oci/mod.ts";

/** Which frontends builds may use. */
export interface FrontendRules {
  /** Whether there is `dockerfile.v0`. */
  readonly dockerfile: boolean;
  /** Whether there is `gateway.v0`. */
  readonly gateway: boolean;
  /** Repositories (`host/path`) whose images may be frontends; none: all. */
  readonly allowedRepositories: readonly string[];
}

/**
 * Refuses a frontend that there is not, or that may not be used here.
 * @param source the image of `gateway.v0`
 */
export function checkFrontend(frontend: string, source: string | undefined, rules: FrontendRules): void {
  const enabled: Readonly<Record<string, boolean>> = { "dockerfile.v0": rules.dockerfile, "gateway.v0": rules.gateway };
  if (!Object.hasOwn(enabled, frontend)) {
    throw new BuildError(
      "not_found",
      `invalid frontend: ${frontend}: this engine has dockerfile.v0, and gateway.v0 for those that are images`,
    );
  }
  if (!enabled[frontend]) {
    throw new BuildError(
      "permission_denied",
      `invalid frontend: ${frontend}: it is disabled in this engine's configuration`,
    );
  }
  if (frontend !== "gateway.v0" || rules.allowedRepositories.length === 0 || !source) return;
  if (!rules.allowedRepositories.includes(repositoryName(parseReference(source)))) {
    throw new BuildError("permission_denied", `'${source}' is not an allowed gateway source`);
  }
}

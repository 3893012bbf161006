import { messageOf } from "../../base/errors/mod.ts";
import { parseReference, repositoryName } from "../../oci/mod.ts";
import type { TomlTable } from "./toml-table.ts";

/** What may tell an engine what to build. */
export interface FrontendConfig {
  /** Whether there is the Dockerfile frontend (`dockerfile.v0`). */
  readonly dockerfile: boolean;
  /** Whether images may be frontends (`gateway.v0`). */
  readonly gateway: boolean;
  /** Repositories (`host/path`, without tags) whose images may; none: all. */
  readonly allowedRepositories: readonly string[];
}

/** Reads `[frontend."dockerfile.v0"]` and `[frontend."gateway.v0"]`. */
export function readFrontends(frontends: TomlTable): FrontendConfig {
  const gateway = frontends.table("gateway.v0");
  const allowed = gateway.strings("allowedRepositories") ?? [];
  return {
    dockerfile: frontends.table("dockerfile.v0").bool("enabled") ?? true,
    gateway: gateway.bool("enabled") ?? true,
    allowedRepositories: allowed.map((text) => {
      try {
        return repositoryName(parseReference(text));
      } catch (cause) {
        return gateway.fail("allowedRepositories", messageOf(cause), { cause });
      }
    }),
  };
}

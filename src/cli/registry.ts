import { credentialsFromDocker, loadDockerConfig } from "../docker/mod.ts";
import { openRegistry, type Registry } from "../registry/mod.ts";
import type { CliContext } from "./context.ts";

/** A registry client with the logins of Docker's config. */
export async function registryOf({ env, home }: CliContext): Promise<Registry> {
  const config = await loadDockerConfig(env, home);
  return openRegistry({ credentials: credentialsFromDocker(config, { env }) });
}

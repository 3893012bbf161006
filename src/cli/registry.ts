import { credentialsFromDocker, loadDockerConfig } from "../docker/mod.ts";
import { openRegistry, type Registry, type RegistryOptions } from "../registry/mod.ts";
import type { CliContext } from "./context.ts";

/** A registry client with the logins of Docker's config. */
export async function registryOf(
  { env, home }: CliContext,
  options: Pick<RegistryOptions, "hosts"> = {},
): Promise<Registry> {
  const config = await loadDockerConfig(env, home);
  return openRegistry({ credentials: credentialsFromDocker(config, { env }), ...options });
}

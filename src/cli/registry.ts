import { credentialsFromDocker, loadDockerConfig } from "../docker/mod.ts";
import { openRegistry, type Registry, type RegistryOptions } from "../registry/mod.ts";
import { askedBuilder } from "./asked-builder.ts";
import type { Invocation } from "./command.ts";
import type { CliContext } from "./context.ts";

/**
 * A registry client as the asked-for builder would be one: with the logins of Docker's config, and what the builder was told of registries.
 * @throws {BuildError} `no builder "X" found`
 */
export async function registryOfBuilder(invocation: Pick<Invocation, "globals" | "context">): Promise<Registry> {
  const { context } = invocation;
  const { openBuilders } = await import("./builder.ts");
  const { registrySettings } = await import("../builder/mod.ts");
  const asked = askedBuilder(invocation);
  const builders = await openBuilders(context);
  // Images can be looked at where nothing can be built.
  const builder = asked === "" ? await builders.select("").catch(() => undefined) : await builders.select(asked);
  const settings = registrySettings(builder?.nodes[0]?.files ?? {});
  return await registryOf(context, { hosts: (host) => settings.get(host) ?? {} });
}

/** A registry client with the logins of Docker's config. */
export async function registryOf(
  { env, home }: CliContext,
  options: Pick<RegistryOptions, "hosts"> = {},
): Promise<Registry> {
  const config = await loadDockerConfig(env, home);
  return openRegistry({ credentials: credentialsFromDocker(config, { env }), ...options });
}

import { BuildError } from "../base/errors/mod.ts";
import { embeddedBuilder } from "./builder.ts";
import type { Builders } from "./builders.ts";

/**
 * Selects a builder for the Docker endpoint in use. Besides created ones that may be our own engine's and the one of the Docker context in use:
 * buildx, which finds no record of theirs, then takes the context's, as if nothing had been selected.
 * @throws {BuildError} with buildx's words
 */
export async function selectBuilder(
  builders: Builders,
  options: {
    readonly name: string;
    /** Whatever the Docker endpoint. */
    readonly global: boolean;
    /** Also whenever nothing else is selected for this endpoint. */
    readonly asDefault: boolean;
    readonly signal: AbortSignal;
  },
): Promise<void> {
  const { name, global, asDefault, signal } = options;
  const { docker, surroundings } = builders;
  await builders.store.transact(
    async (store) => {
      if (!(await store.builder(name))) {
        const isContext = docker.contexts.some((context) => context.name === name);
        if (isContext && name !== docker.currentContext) {
          throw new BuildError(
            "failed_precondition",
            `run \`docker context use ${name}\` to switch to ${name === "default" ? "default context" : `context ${name}`}`,
          );
        }
        if (!isContext && !(name === embeddedBuilder && surroundings.hasEmbedded)) {
          throw new BuildError("not_found", `failed to find instance ${JSON.stringify(name)}`);
        }
      }
      await store.setCurrent({ key: docker.key, name, global }, { asDefault });
    },
    { signal },
  );
}

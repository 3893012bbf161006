import { BuildError } from "../base/errors/mod.ts";
import { type Builder, contextBuilder, embeddedBuilder } from "./builder.ts";
import type { DockerPlace } from "./docker-place.ts";
import type { CurrentBuilder } from "./store/mod.ts";

/** What there is to select from. */
export interface Selection {
  readonly docker: Pick<DockerPlace, "contexts" | "currentContext" | "isChosen" | "key"> & {
    readonly config: { readonly path: string };
  };
  /** Of the store. */
  readonly current: CurrentBuilder | undefined;
  /** Of the store, for the Docker endpoint in use. */
  readonly defaultName: string | undefined;
  /** The builder of our own engine; `undefined` where it does not run. */
  readonly embedded: Builder | undefined;
  /** A stored builder by its name. */
  readonly stored: (name: string) => Builder | undefined;
}

/**
 * The builder of a name. One that somebody created is found before one that is there by itself.
 * @throws {BuildError} `no builder "X" found`
 */
export function findBuilder(name: string, selection: Selection): Builder {
  const found = foundBuilder(name, selection);
  if (found) return found;
  throw new BuildError("not_found", `no builder ${JSON.stringify(name)} found`);
}

/** As {@link findBuilder}, for building with it. @throws {BuildError} also when it belongs to a Docker context that is not in use */
export function usableBuilder(name: string, selection: Selection): Builder {
  const builder = findBuilder(name, selection);
  if (builder.origin === "context" && builder.name !== selection.docker.currentContext) {
    throw new BuildError(
      "failed_precondition",
      `use \`docker --context=${builder.name} buildx\` to switch to context ${JSON.stringify(builder.name)} (here: DOCKER_CONTEXT=${builder.name})`,
    );
  }
  return builder;
}

/** The builder that is used when nobody names one. */
export function currentBuilder(selection: Selection): Builder {
  const { current, defaultName, docker } = selection;
  if (current && current.name !== "") {
    const chosen = chosenBuilder(current.name, selection);
    if (current.global && chosen) return chosen;
    if (current.key === docker.key) return chosen ?? implicitBuilder(selection);
  }
  const byDefault = defaultName === undefined ? undefined : chosenBuilder(defaultName, selection);
  return byDefault ?? implicitBuilder(selection);
}

/**
 * The builder where nothing was chosen: our own engine, unless Docker's settings name an engine, wherever that is, since who sets them means it.
 * @throws {BuildError} when the Docker context in use is none
 */
function implicitBuilder({ docker, embedded }: Selection): Builder {
  if (!docker.contexts.some(({ name }) => name === docker.currentContext)) {
    throw new BuildError(
      "not_found",
      `current context ${JSON.stringify(docker.currentContext)} is not found on the file system, please check DOCKER_CONTEXT and your config file at ${docker.config.path}`,
    );
  }
  return !docker.isChosen && embedded ? embedded : contextBuilder(docker.currentContext);
}

/** What `use` has remembered, as long as it is there. Only the context in use has its builder. */
function chosenBuilder(name: string, selection: Selection): Builder | undefined {
  const found = foundBuilder(name, selection);
  return found?.origin === "context" && name !== selection.docker.currentContext ? undefined : found;
}

function foundBuilder(name: string, { docker, embedded, stored }: Selection): Builder | undefined {
  const created = stored(name);
  if (created) return created;
  if (docker.contexts.some((context) => context.name === name)) return contextBuilder(name);
  return name === embeddedBuilder ? embedded : undefined;
}

import { existsSync } from "node:fs";
import {
  currentContextName,
  defaultDockerHost,
  type DockerConfig,
  dockerConfigDirectory,
  findContext,
  listContexts,
  loadDockerConfig,
} from "../docker/mod.ts";
import { fullDockerHost } from "./endpoint.ts";

/** What Docker's own settings say of this machine: which contexts there are, and which engine is meant. */
export interface DockerPlace {
  readonly config: DockerConfig;
  readonly configDirectory: string;
  /** By name, `default` among them. */
  readonly contexts: readonly { readonly name: string; readonly host: string }[];
  /** Name of the context in use, there or not. */
  readonly currentContext: string;
  /** Address of the engine of the context in use. */
  readonly host: string;
  /** What builders are selected for: the context's name, or for `default` the engine's address. */
  readonly key: string;
  /** `DOCKER_TLS_VERIFY` or `DOCKER_TLS` ask for TLS, which a stored builder could not know of. */
  readonly tlsFromEnvironment: boolean;
  /** Somebody has said which engine is meant: `DOCKER_HOST`, or a context other than `default`. */
  readonly isChosen: boolean;
  /** Docker is nowhere to be seen: no setting names an engine, and the usual socket is not there. */
  readonly isAbsent: boolean;
}

/** Looks at Docker's settings. Dials nothing. */
export async function findDocker(
  env: Readonly<Record<string, string | undefined>>,
  home: string,
): Promise<DockerPlace> {
  const configDirectory = dockerConfigDirectory(env, home);
  const [config, stored] = await Promise.all([loadDockerConfig(env, home), listContexts(configDirectory)]);
  const tls = Boolean(env.DOCKER_TLS_VERIFY) || Boolean(env.DOCKER_TLS);
  const defaultHost = env.DOCKER_HOST ? fullDockerHost(env.DOCKER_HOST, { tls }) : defaultDockerHost;
  const others = stored.filter(({ name }) => name !== "default" && name !== "");
  const contexts = [{ name: "default", host: defaultHost }, ...others.map(({ name, host }) => ({ name, host }))];
  const currentContext = currentContextName({ env, configDirectory, currentContext: config.currentContext });
  const current = contexts.find(({ name }) => name === currentContext);
  if (!current) await findContext(configDirectory, currentContext); // whose file may be damaged: whoever uses it is told
  const host = current?.host || defaultDockerHost;
  return {
    config,
    configDirectory,
    contexts: contexts.toSorted((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0)),
    currentContext,
    host,
    key: currentContext === "default" ? host : currentContext,
    tlsFromEnvironment: currentContext === "default" && tls,
    isChosen: Boolean(env.DOCKER_HOST) || currentContext !== "default",
    isAbsent:
      currentContext === "default" && !env.DOCKER_HOST && !existsSync(defaultDockerHost.slice("unix://".length)),
  };
}

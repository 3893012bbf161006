import { existsSync } from "node:fs";
import { BuildError, messageOf } from "../base/errors/mod.ts";
import { parseCsvFields } from "../base/text/csv/mod.ts";
import { currentPlatform, parsePlatform, type Platform } from "../oci/mod.ts";
import { type Builder, embeddedBuilder } from "./builder.ts";
import type { Builders } from "./builders.ts";
import { loadConfigFiles } from "./config-files.ts";
import { daemonFlags } from "./daemon-flags.ts";
import type { Driver } from "./driver.ts";
import { checkRemoteEndpoint, fullDockerHost, isRemoteEndpoint } from "./endpoint.ts";
import { changeNode, leaveNode } from "./group.ts";
import { loadNode, openNodes } from "./node-status.ts";
import { checkCreatable } from "./open-driver.ts";
import {
  type BuilderRecord,
  defaultConfigFile,
  isValidName,
  randomName,
  type StoreTransaction,
  validName,
} from "./store/mod.ts";

/** What `create` is asked for, in the user's words; empty is not said. */
export interface CreateOptions {
  readonly name: string;
  readonly driver: string;
  readonly node: string;
  /** Docker context or URL. */
  readonly endpoint: string;
  readonly platforms: readonly string[];
  /** `k=v` each, or several with commas. */
  readonly driverOpts: readonly string[];
  readonly flags: string;
  /** Path of a `buildkitd.toml`. */
  readonly config: string;
  readonly append: boolean;
  readonly use: boolean;
  readonly cwd: string;
  /** How long the node may take to say how it is. */
  readonly timeoutMs: number | undefined;
  readonly signal: AbortSignal;
  readonly onWarning: (text: string) => void;
}

/** What `create` has made. */
export interface CreatedBuilder {
  readonly builder: Builder;
  /** Makes the store what it was before, and ends what a new node has begun: for a builder that turns out not to start. */
  takeBack(options: { readonly signal: AbortSignal }): Promise<void>;
}

/**
 * Makes a builder, or adds a node to one or changes it. The node is looked at before anything is written, so that a mistake leaves the store as
 * it was.
 * @throws {BuildError} with buildx's words
 */
export async function createBuilder(builders: Builders, options: CreateOptions): Promise<CreatedBuilder> {
  const { name, append, signal } = options;
  if (name === "default" || name === embeddedBuilder) {
    throw invalid(`${name} is a reserved name and cannot be used to identify builder instance`);
  }
  if (append && name === "") throw invalid("append requires a builder name");
  if (name !== "") validName(name);
  return await builders.store.transact((store) => create(builders, store, options), { signal });
}

/** Takes a node away from a builder. @throws {BuildError} with buildx's words */
export async function leaveBuilder(
  builders: Builders,
  options: { readonly name: string; readonly node: string; readonly signal: AbortSignal },
): Promise<void> {
  const { name, node, signal } = options;
  if (name === "") throw invalid("leave requires instance name");
  if (node === "") throw invalid("leave requires node name");
  await builders.store.transact(
    async (store) => {
      const record = await store.builder(name);
      if (!record) throw missing(`failed to find instance ${JSON.stringify(name)} for leave`);
      await store.save(leaveNode(record, node), builders.surroundings.now());
      if (isValidName(node)) await store.forgetNode(record.name, node);
    },
    { signal },
  );
}

async function create(builders: Builders, store: StoreTransaction, options: CreateOptions): Promise<CreatedBuilder> {
  const { docker, surroundings } = builders;
  const name = validName(
    options.name || (await randomName(async (candidate) => (await store.builder(candidate)) !== undefined)),
  );
  if (!options.append && docker.contexts.some((context) => context.name === name)) {
    throw new BuildError("already_exists", `instance name ${JSON.stringify(name)} already exists as context builder`);
  }
  const existing = await store.builder(name);
  if (!existing && options.append) throw missing(`failed to find instance ${JSON.stringify(options.name)} for append`);
  const driver = options.driver || existing?.driver || usualDriver(options.endpoint, surroundings.env);
  if (existing && options.node === "" && !options.append) {
    throw new BuildError(
      "already_exists",
      `existing instance for ${JSON.stringify(name)} but no append mode, specify the node name to make changes for existing instances`,
    );
  }
  if (existing && existing.driver !== driver) {
    throw invalid(
      `existing instance for ${JSON.stringify(name)} but has mismatched driver ${JSON.stringify(existing.driver)}`,
    );
  }
  checkCreatable(driver);
  const record: BuilderRecord = existing ?? { name, driver, nodes: [], dynamic: false };
  const change = await nodeChange(builders, store, record, options);
  const { record: next, node, needsRestart } = changeNode(record, change);
  await checkNode(builders, { ...next, origin: "stored" }, node.name, options);
  if (needsRestart) options.onWarning("new settings may not be used until builder is restarted");
  await store.save(next, surroundings.now());
  if (options.use) await store.setCurrent({ key: docker.key, name, global: false }, { asDefault: false });
  const builder: Builder = { ...next, origin: "stored" };
  const isNew = !existing?.nodes.some((candidate) => candidate.name === node.name);
  return {
    builder,
    takeBack: async ({ signal }) => {
      const [open] = isNew ? await openNodes(builders, { ...builder, nodes: [node] }) : [];
      await open?.driver?.remove({ signal, keepState: true, force: true }).catch(() => undefined); // what kept it from starting keeps it from this, too
      await builders.store.transact(
        async (again) => await (existing ? again.save(existing, surroundings.now()) : again.remove(name)),
        { signal },
      );
    },
  };
}

async function nodeChange(
  builders: Builders,
  store: StoreTransaction,
  record: BuilderRecord,
  options: CreateOptions,
): Promise<Parameters<typeof changeNode>[1]> {
  const given = parseDriverOpts(options.driverOpts);
  const byDefault = defaultConfigFile(store.directory);
  const config = options.config || (record.driver !== "remote" && existsSync(byDefault) ? byDefault : "");
  const loaded = config === "" ? undefined : await loadConfigFiles(config, options.cwd);
  const { endpoint, isGiven } = await endpointOf(builders, store, record, options);
  return {
    name: options.node,
    endpoint,
    endpointGiven: isGiven,
    append: options.append,
    platforms: parsePlatforms(options.platforms),
    flags: daemonFlags({
      text: options.flags,
      driver: record.driver,
      driverOpts: given ?? {},
      configEntitlements: loaded?.entitlements ?? [],
    }),
    driverOpts: given,
    files: loaded?.files,
  };
}

/** The driver where none is named: the one that takes such an endpoint. */
function usualDriver(endpoint: string, env: Readonly<Record<string, string | undefined>>): string {
  if (endpoint === "") return env.BUILDKIT_HOST ? "remote" : "docker-container";
  return isRemoteEndpoint(endpoint) ? "remote" : "docker-container";
}

async function endpointOf(
  builders: Builders,
  store: StoreTransaction,
  record: BuilderRecord,
  { endpoint, node }: CreateOptions,
): Promise<{ endpoint: string; isGiven: boolean }> {
  const { docker, surroundings } = builders;
  const { env } = surroundings;
  switch (record.driver) {
    case "kubernetes": {
      if (endpoint !== "")
        throw invalid(`kubernetes driver does not support endpoint args ${JSON.stringify(endpoint)}`);
      const deployment = node || (await freeDeployment(record.name, store));
      const query = new URLSearchParams({ deployment, kubeconfig: env.KUBECONFIG ?? "" });
      return { endpoint: `kubernetes:///${record.name}?${query.toString()}`, isGiven: false };
    }
    case "remote": {
      const remote = endpoint || env.BUILDKIT_HOST;
      if (!remote) throw invalid("no remote endpoint provided");
      return { endpoint: checkRemoteEndpoint(remote), isGiven: true };
    }
    default:
      if (endpoint !== "") return { endpoint: dockerEndpoint(endpoint, docker), isGiven: true };
      if (docker.tlsFromEnvironment) {
        throw invalid(
          "could not create a builder instance with TLS data loaded from environment. Please use `docker context create <context-name>` to create a context for current environment and then create a builder instance with context set to <context-name>",
        );
      }
      return { endpoint: docker.key, isGiven: false };
  }
}

/** Two nodes of different builders must not share a workload in the cluster. */
async function freeDeployment(builder: string, store: StoreTransaction): Promise<string> {
  const taken = new Set((await store.list()).flatMap(({ nodes }) => nodes.map(({ name }) => name)));
  for (let number = 0; ; number++) {
    const name = `buildkit-${builder}-${number}`;
    if (!taken.has(name)) return name;
  }
}

function dockerEndpoint(endpoint: string, { contexts }: Builders["docker"]): string {
  const context = contexts.find(({ name }) => name === endpoint);
  if (context) return endpoint === "default" ? context.host : endpoint;
  try {
    return fullDockerHost(endpoint, { tls: true });
  } catch (error) {
    throw invalid(`failed to parse endpoint ${endpoint}: ${messageOf(error)}`, error);
  }
}

/** Whether the node can be had at all: its options make sense, and the place where it would run answers. */
async function checkNode(builders: Builders, builder: Builder, name: string, options: CreateOptions): Promise<void> {
  const node = builder.nodes.find((candidate) => candidate.name === name);
  const [open] = await openNodes(builders, { ...builder, nodes: node ? [node] : [] });
  const error = open && ((await loadNode(open, options)).error ?? problemOf(open.driver));
  if (error === undefined) return;
  throw new BuildError(
    error instanceof BuildError ? error.code : "unknown",
    `failed to initialize builder ${builder.name} (${name}): ${messageOf(error).trim()}`,
    { cause: error },
  );
}

function problemOf(driver: Driver | undefined): unknown {
  try {
    driver?.check?.();
    return undefined;
  } catch (error) {
    return error;
  }
}

/** @throws {BuildError} `invalid value "x", expecting k=v` */
export function parseDriverOpts(texts: readonly string[]): Readonly<Record<string, string>> | undefined {
  if (texts.length === 0) return undefined;
  const fields = texts.flatMap((text) => {
    try {
      return parseCsvFields(text);
    } catch (error) {
      throw invalid(messageOf(error), error);
    }
  });
  return Object.fromEntries(
    fields.map((field) => {
      const equals = field.indexOf("=");
      if (equals < 0) throw invalid(`invalid value ${JSON.stringify(field)}, expecting k=v`);
      return [field.slice(0, equals), field.slice(equals + 1)];
    }),
  );
}

function parsePlatforms(texts: readonly string[]): readonly Platform[] {
  return texts
    .flatMap((text) => text.split(","))
    .map((text) => (text.toLowerCase() === "local" ? currentPlatform() : parsePlatform(text)));
}

function invalid(message: string, cause?: unknown): BuildError {
  return new BuildError("invalid_argument", message, { cause });
}

function missing(message: string): BuildError {
  return new BuildError("not_found", message);
}

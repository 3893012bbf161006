import { resolve } from "node:path";
import { asBuildError, BuildError } from "../../base/errors/mod.ts";
import { parseGoBool } from "../../base/text/go-values/mod.ts";
import {
  attestOf,
  type BuildOptions,
  type BuildResult,
  type BuildSurroundings,
  type ClientStep,
  type FarmResult,
  fullPlatforms,
  parseOutput,
  prepareBuild,
  type PreparedBuild,
  provenanceMode,
  runBuild as runPreparedBuild,
  runFarm,
} from "../../build/mod.ts";
import { connectNode, type Driver, type OpenNode, openNodes, registrySettings } from "../../builder/mod.ts";
import {
  credentialsFromDocker,
  type DockerConfig,
  dockerConfigDirectory,
  proxyVariables,
  TokenSeeds,
} from "../../docker/mod.ts";
import { parsePlatform } from "../../oci/mod.ts";
import {
  chooseMode,
  type Display,
  openDisplay,
  type ProgressMode,
  type SolveStatus,
  statusFromWire,
  warningsJson,
} from "../../progress/mod.ts";
import { loadHttpClient } from "../../registry/mod.ts";
import { askedBuilder } from "../asked-builder.ts";
import { openBuilders } from "../builder.ts";
import { bootStatus } from "../builders/boot-status.ts";
import { chooseNode, noDriver } from "../builders/choose-node.ts";
import type { Invocation } from "../command.ts";
import type { FlagValues } from "../flags/flag.ts";
import { UsageError } from "../flags/usage-error.ts";
import type { buildFlags } from "./build.ts";
import type { Call } from "./build/call.ts";
import { DockerEngines } from "./build/docker-engines.ts";
import { farmNodes, mergeImages, warnOfParts } from "./build/farm.ts";
import { fitToDriver, wishesForDocker } from "./build/fit-driver.ts";
import { formChangesOnce } from "./build/format-warnings.ts";
import { namesToPush, pushByDocker } from "./build/push-by-docker.ts";
import { stepStatus } from "./build/step-status.ts";
import { checkReports, reportResult } from "./build/report.ts";

type Flags = FlagValues<typeof buildFlags>;
type BuildInvocation = Invocation<typeof buildFlags>;

/** Runs `build PATH`. */
export async function runBuild(invocation: BuildInvocation): Promise<number> {
  const { context, flags } = invocation;
  const mode = modeOf(flags, invocation);
  const call = await callOf(flags, invocation.given);
  const options: BuildOptions = { ...buildOptions(flags, invocation.args[0] as string), question: call?.name };
  if (flags.iidfile !== "" && !call && options.outputs.some(({ type }) => type === "local" || type === "tar")) {
    throw new Error("local and tar exporters are incompatible with image ID file");
  }
  const builders = await openBuilders(context);
  const builder = await builders.select(askedBuilder(invocation));
  const { config } = builders.docker;
  let read: { filename: string | undefined; contextDirectory: string | undefined } | undefined;
  const warnings: Surroundings["warnings"] = [];
  const built = await explained(async () => {
    await checkReports(flags, context);
    await builders.touch(builder, context);
    const platforms = fullPlatforms(
      options.platforms.length > 0 ? options.platforms : [context.env.DOCKER_DEFAULT_PLATFORM ?? ""],
    );
    // A question needs no more than one node.
    const nodes = builder.nodes.length > 1 && !call ? await openNodes(builders, builder) : undefined;
    const { node, driver } = nodes
      ? usable(nodes)
      : await chooseNode(builders, builder, {
          platforms: platforms.map((platform) => parsePlatform(platform)),
          context,
          mode,
        });
    const features = await driver.features({ signal: context.signal });
    const defaultLoad = features.defaultLoad && !isTrue(context.env.BUILDX_NO_DEFAULT_LOAD);
    const wishes = driver.kind === "docker" ? wishesForDocker(options, { defaultLoad }) : options;
    await using docker = new DockerEngines(context, config);
    const prepared = await prepareBuild(wishes, {
      env: context.env,
      cwd: context.cwd,
      stdin: context.stdin,
      severalEngines: nodes !== undefined,
      signal: context.signal,
      stdoutIsTty: context.stdout.isTTY === true,
      proxies: proxyVariables(config.proxies, builders.docker.host),
      defaultLoad,
      importsOci: (name) => docker.importsOci(name),
    });
    await using inputs = prepared.inputs;
    read = { filename: prepared.attrs["filename"], contextDirectory: inputs.context };
    const fitted = fitToDriver(prepared, { kind: driver.kind, features, platforms: platforms.length });
    // a home that cannot be written to is no reason not to build
    const identity = await builders.store.nodeIdentity().catch(() => undefined);
    const onStart: BuildSurroundings["onStart"] = ({ builder, node, ref }) =>
      builders.store.rememberBuild(builder, node, ref, sourcesOf(fitted, options, context.cwd));
    return await displayed(fitted, {
      invocation,
      mode,
      name: builder.name,
      node,
      driver,
      nodes,
      config,
      docker,
      identity,
      onStart,
      warnings,
    });
  });
  if (!call) {
    const told = isTrue(context.env.BUILDX_METADATA_WARNINGS) ? warningsJson(warnings) : [];
    await reportResult(built, { flags, mode, context, warnings: told });
    return 0;
  }
  await reportResult(built, { flags: { ...flags, iidfile: "" }, mode: "none", context, warnings: [] });
  const { dockerfileAsTyped, showAnswer } = await import("./build/call.ts");
  const typed = { context: options.context, file: flags.file, filename: read?.filename };
  const shown = showAnswer(call, built.response, dockerfileAsTyped(typed, read?.contextDirectory));
  context.stdout.write(shown.text);
  if (shown.error !== undefined) context.stderr.write(`ERROR: ${shown.error}\n`);
  return shown.code;
}

/** Where a build's sources are, for its name in the history; the usual Dockerfile need not be told. */
function sourcesOf({ inputs }: PreparedBuild, { context, dockerfile }: BuildOptions, cwd: string) {
  const target = "default"; // one command asks for one build
  if (inputs.context === undefined) return { localPath: context, dockerfilePath: dockerfile, target };
  const isPath = dockerfile !== "" && dockerfile !== "-" && !/^https?:/.test(dockerfile);
  return { localPath: inputs.context, dockerfilePath: isPath ? resolve(cwd, dockerfile) : dockerfile, target };
}

/** The first node that has a driver: it stands for all where only the kind of driver counts. @throws when there is none */
function usable(nodes: readonly OpenNode[]): { readonly node: string; readonly driver: Driver } {
  for (const { node, driver } of nodes) if (driver) return { node: node.name, driver };
  throw noDriver(nodes);
}

function isTrue(value: string | undefined): boolean {
  return value !== undefined && parseGoBool(value) === true;
}

/** Failures of the build itself, as opposed to those of its command line, say so. */
async function explained<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const { code, message, details, location } = asBuildError(error);
    throw new BuildError(code, `failed to build: ${message}`, { cause: error, details, location });
  }
}

interface Surroundings {
  readonly invocation: BuildInvocation;
  readonly mode: ProgressMode;
  /** Of the builder. */
  readonly name: string;
  /** Name of the node. */
  readonly node: string;
  readonly driver: Driver;
  /** All nodes, where there are several. */
  readonly nodes: readonly OpenNode[] | undefined;
  readonly config: DockerConfig;
  /** Those that the result may be loaded into. */
  readonly docker: DockerEngines;
  /** Stands for this machine and user from build to build, where it could be remembered. */
  readonly identity: string | undefined;
  readonly onStart: BuildSurroundings["onStart"];
  /** Gets what the build is warned of. */
  readonly warnings: SolveStatus["warnings"][number][];
}

/** Builds with progress on stderr, which is complete before this returns or throws. */
async function displayed(prepared: PreparedBuild, surroundings: Surroundings): Promise<BuildResult> {
  const { invocation, mode, name, driver, docker } = surroundings;
  const { env, now, stderr } = invocation.context;
  // Nobody wants to know after the build that there is no Docker Engine.
  for (const { target } of prepared.outputs) if (target.type === "docker-engine") await docker.ping(target.context);
  const display = openDisplay({
    mode,
    output: stderr,
    env,
    now,
    builder: { name, driver: driver.kind },
    debug: invocation.globals.debug,
  });
  for (const warning of mode === "quiet" ? [] : prepared.warnings) stderr.write(`WARNING: ${warning}\n`);
  let result: BuildResult | FarmResult;
  try {
    result = await built(prepared, display, surroundings);
  } finally {
    display.finish();
  }
  if (prepared.cacheOnlyByDefault && (mode === "plain" || mode === "tty") && !isTrue(env.BUILDX_NO_DEFAULT_LOAD)) {
    stderr.write(
      `WARNING: No output specified with ${driver.kind} driver. Build result will only remain in the build cache. To push result image into registry use --push or to load image into docker use --load\n`,
    );
  }
  if ("workers" in result && (mode === "plain" || mode === "tty")) {
    stderr.write(warnOfParts(prepared, result.workers));
  }
  return result;
}

async function built(
  prepared: PreparedBuild,
  display: Display,
  { invocation, name, node, driver, nodes, config, docker, identity, onStart, warnings }: Surroundings,
): Promise<BuildResult | FarmResult> {
  const { env, home, now, signal, stdout } = invocation.context;
  const { provenance, sbom, "metadata-file": metadataFile } = invocation.flags;
  const once = formChangesOnce({ silent: provenance !== "" && sbom !== "" });
  const update = (status: SolveStatus) => {
    const shown = once(status);
    warnings.push(...shown.warnings);
    display.update(shown);
  };
  const showStep = (step: ClientStep) => update(stepStatus(step));
  const credentials = credentialsFromDocker(config, { env });
  const surroundings: Omit<BuildSurroundings, "client" | "builder"> = {
    driver: driver.kind,
    identity,
    credentials,
    fetchToken: isTrue(env.BUILDKIT_NO_CLIENT_TOKEN)
      ? undefined
      : async (request, options) => {
          const { tokenFetcher } = await import("../../registry/mod.ts");
          await using fetcher = tokenFetcher({ credentials, env });
          return await fetcher(request, options);
        },
    seeds: new TokenSeeds(dockerConfigDirectory(env, home)),
    stdout,
    loadImage: (archive, options) => docker.load(archive, options),
    onEvent: (event) => {
      if (event.type === "status") update(statusFromWire(event.status));
      else showStep(event.step);
    },
    provenance: metadataFile === "" ? "disabled" : provenanceMode(env.BUILDX_METADATA_PROVENANCE),
    onStart,
    now,
    signal,
  };
  if (nodes) {
    await using farm = farmNodes(nodes, { now, signal, update });
    // Not before the nodes have been asked; and should it fail, whoever needs it says so.
    const expectMerge = () => void setImmediate(() => void loadHttpClient().catch(() => undefined));
    const merge = mergeImages(invocation.context, registrySettings(nodes[0]?.node.files ?? {}));
    return await runFarm(prepared, { ...surroundings, builder: name, nodes: farm.nodes, merge, expectMerge });
  }
  const quietMs = driver.kind === "embedded" ? quietBootMs : 0;
  await using client = await connectNode(driver, { signal, onEvent: bootStatus({ now, update, quietMs }) });
  const result = await runPreparedBuild(prepared, { ...surroundings, client, builder: { name, node } });
  const { images } = driver;
  if (!images) return result;
  const names = namesToPush(prepared, { kind: driver.kind, features: await driver.features({ signal }) });
  return await pushByDocker(result, names, { images, credentials, update, now, signal });
}

/** Our own engine is mostly up before anybody wonders; only when it takes long is its start shown as a step. */
const quietBootMs = 3_000;

function modeOf({ progress, quiet }: Flags, { context }: BuildInvocation): ProgressMode {
  if (quiet && progress !== "auto" && progress !== "quiet") {
    throw new UsageError(`progress=${progress} and quiet cannot be used together`);
  }
  if (quiet) return "quiet";
  try {
    return chooseMode(progress, { env: context.env, isTty: context.stderr.isTTY === true });
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

function buildOptions(flags: Flags, context: string): BuildOptions {
  return {
    context,
    dockerfile: flags.file,
    buildContexts: flags["build-context"],
    target: flags.target,
    tags: flags.tag,
    platforms: flags.platform,
    buildArgs: flags["build-arg"],
    labels: flags.label,
    attest: [...flags.attest, ...attestOf("sbom", flags.sbom), ...attestOf("provenance", flags.provenance)],
    annotations: flags.annotation,
    noCache: flags["no-cache"],
    noCacheFilter: flags["no-cache-filter"],
    pull: flags.pull,
    network: flags.network,
    addHosts: flags["add-host"],
    ...(flags["shm-size"] === undefined ? {} : { shmSizeBytes: flags["shm-size"] }),
    ulimits: flags.ulimit,
    cgroupParent: flags["cgroup-parent"],
    resources: [...oldResources(flags), ...flags.resource],
    secrets: flags.secret,
    ssh: flags.ssh,
    allow: flags.allow,
    cacheFrom: flags["cache-from"],
    cacheTo: flags["cache-to"],
    outputs: flags.output.map(parseOutput),
    push: flags.push,
    load: flags.load,
  };
}

/** What docker build called `--memory` and so on, as `--resource` says it. Docker has 0 stand for no limit. */
function oldResources(flags: Flags): readonly string[] {
  const names = [
    "memory",
    "memory-swap",
    "cpu-shares",
    "cpu-period",
    "cpu-quota",
    "cpuset-cpus",
    "cpuset-mems",
  ] as const;
  return names.flatMap((name) => {
    const value = flags[name];
    const unlimited = value === undefined || value === "" || value === 0 || (name === "memory-swap" && value === "0");
    return unlimited ? [] : [`${name}=${value}`];
  });
}

/**
 * The question of `--call`, `--check` or the old `--print`.
 * @param given flags, in the order in which they were given: the last one counts
 */
async function callOf(flags: Flags, given: ReadonlySet<string>): Promise<Call | undefined> {
  const last = [...given].findLast((name) => name === "call" || (name === "check" && flags.check));
  const asked = last === "check" ? "check" : flags.print || flags.call;
  if (asked === "" || asked === "build") return undefined; // nothing to load for
  const { parseCall } = await import("./build/call.ts");
  return parseCall(asked);
}

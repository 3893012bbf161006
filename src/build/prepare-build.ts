import type { sourcepolicy } from "../api/mod.ts";
import type { BuildOptions } from "./build-options.ts";
import { type BuildCaches, cacheAttrs, openCaches } from "./caches/mod.ts";
import { type BuildInputs, openInputs } from "./contexts/mod.ts";
import { annotationAttrs } from "./outputs/annotations.ts";
import { checkTargets } from "./outputs/check-targets.ts";
import { fitToDockerEngines, type ImportsOci } from "./outputs/fit-docker-engine.ts";
import { type PlannedOutput, planOutputs } from "./outputs/plan-outputs.ts";
import { type Attestations, readAttestations } from "./request/attestations.ts";
import { allowed, mayDeleteAnywhere } from "./request/entitlements.ts";
import { frontendAttrs } from "./request/frontend-attrs.ts";
import { gitInfo } from "./request/git-info.ts";
import { readSourcePolicy } from "./request/source-policy.ts";
import { type Secrets, openSecrets } from "./secrets/mod.ts";
import { type Agents, openAgents } from "./ssh/mod.ts";
import { fullPlatforms, fullTags } from "./request/names.ts";

/** What a build's options draw on besides themselves. */
export interface PrepareEnvironment {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  readonly stdin: NodeJS.ReadableStream;
  readonly stdoutIsTty: boolean;
  /** Proxies that Docker's config wants builds to have, by variable. */
  readonly proxies: Readonly<Record<string, string>>;
  /** Whether a build without an output is loaded into the Docker Engine. */
  readonly defaultLoad: boolean;
  /** Asked of the Docker Engines that the result is loaded into. */
  readonly importsOci: ImportsOci;
  /** Several engines share the work. */
  readonly severalEngines: boolean;
  readonly signal: AbortSignal;
}

/** A build of which everything is known that can be known without an engine. */
export interface PreparedBuild {
  /** What it reads; whoever prepared it disposes of that when the build is over. */
  readonly inputs: BuildInputs;
  readonly attrs: Readonly<Record<string, string>>;
  readonly outputs: readonly PlannedOutput[];
  /** What the build needs that an engine may refuse. */
  readonly entitlements: readonly string[];
  /** What the engine may ask for while it builds, by id. */
  readonly secrets: Secrets;
  readonly agents: Agents;
  readonly caches: BuildCaches;
  /** What the image is to have said of it; engines that cannot are found out when they are asked. */
  readonly attestations: Attestations;
  /** What people should know before it begins. */
  readonly warnings: readonly string[];
  /** Rules about the sources of the build. */
  readonly sourcePolicy?: sourcepolicy.Policy | undefined;
  /** Nothing was asked for: the result stays in the cache. */
  readonly cacheOnlyByDefault: boolean;
}

/**
 * Checks a build's options and looks at the disk, so that mistakes are told before an engine is bothered.
 * @throws {BuildError} the first mistake
 */
export async function prepareBuild(options: BuildOptions, environment: PrepareEnvironment): Promise<PreparedBuild> {
  const { env, cwd, proxies } = environment;
  const platforms = options.platforms.length > 0 ? options.platforms : [env.DOCKER_DEFAULT_PLATFORM ?? ""];
  const asked = { ...options, platforms };
  const asksOnly = options.question !== undefined;
  const attestations = readAttestations(asksOnly ? ["type=provenance,disabled=true"] : options.attest, env);
  const isAttested = Object.keys(attestations.asked).length > 0;
  const platformCount = fullPlatforms(platforms).length;
  const { outputs, cacheOnlyByDefault } = planOutputs({
    outputs: asksOnly ? [] : options.outputs,
    annotations: annotationAttrs(options.annotations),
    push: options.push && !asksOnly,
    load: options.load && !asksOnly,
    tags: fullTags(options.tags),
    platforms: platformCount,
    attested: isAttested,
    stdoutIsTty: environment.stdoutIsTty,
    defaultLoad: environment.defaultLoad && !asksOnly,
  });
  const attrs = frontendAttrs(asked, { env, proxies });
  const image = { isIndex: platformCount > 1 || isAttested };
  const fitted = await fitToDockerEngines(outputs, image, environment.importsOci);
  const checked = await checkTargets(fitted, cwd, { mayDelete: mayDeleteAnywhere(options) });
  const secrets = await openSecrets(options.secrets, environment);
  const agents = await openAgents(wantedAgents(options, env), environment);
  const sourcePolicy = await readSourcePolicy(environment);
  const caches = await openCaches(asksOnly ? { ...options, cacheTo: [], buildArgs: [] } : options, environment);
  const inputs = await openInputs(options, environment);
  const { directories, context } = inputs;
  const git = await gitInfo({ context, dockerfile: options.dockerfile, directories }, environment);
  return {
    inputs,
    attrs: {
      ...attrs,
      ...cacheAttrs(caches),
      ...inputs.attrs,
      ...git.attrs,
      ...questionAttrs(options.question, inputs.attrs),
    },
    outputs: checked,
    entitlements: allowed(options),
    secrets,
    agents,
    caches,
    attestations,
    warnings: [...caches.warnings, ...(git.warning === undefined ? [] : [git.warning])],
    sourcePolicy,
    cacheOnlyByDefault: cacheOnlyByDefault && !asksOnly,
  };
}

/** A context that is fetched over ssh needs an agent; the user's own serves where none is named. */
function wantedAgents({ context, ssh }: BuildOptions, env: PrepareEnvironment["env"]): readonly string[] {
  const isFetched = /^(?:ssh:\/\/|[\w-]+@[\w.-]+:)/.test(context);
  return ssh.length === 0 && isFetched && env["SSH_AUTH_SOCK"] ? ["default"] : ssh;
}

/** A frontend that cannot answer passes the question on to one that can, or says so. */
function questionAttrs(
  question: string | undefined,
  { "frontend.caps": known }: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> {
  if (question === undefined) return {};
  const needed = "moby.buildkit.frontend.subrequests+forward";
  return { requestid: `frontend.${question}`, "frontend.caps": known === undefined ? needed : `${known},${needed}` };
}

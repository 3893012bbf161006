import { isIP } from "node:net";
import { BuildError, messageOf } from "../../../base/errors/mod.ts";
import { parseCsvFields } from "../../../base/text/csv/mod.ts";
import { goQuote, parseGoBool } from "../../../base/text/go-values/mod.ts";
import type { LinuxResources } from "../../../llb/mod.ts";
import { formatPlatformFull, parsePlatform, type Platform } from "../../../oci/mod.ts";
import type { ImageResolveMode } from "../bridge.ts";
import { checkOptionNames } from "./option-names.ts";
import { readResources } from "./resource-options.ts";

/** A host name for `/etc/hosts` of every RUN. */
export interface ExtraHost {
  readonly host: string;
  readonly ip: string;
}

/** What the request asks of this frontend, checked. */
export interface DockerfileOptions {
  /** Path of the Dockerfile in the directory that holds it. */
  readonly filename: string;
  /** Under which name the client shares the directory of the Dockerfile. */
  readonly dockerfileLocal: string;
  /** Under which name the client shares the build context. */
  readonly contextLocal: string;
  /** Address of the main context; empty: a directory of the client, or a graph. */
  readonly context: string;
  /** Directory inside a context that is not the client's; empty: all of it. */
  readonly contextSubdir: string;
  /** The client has the Dockerfile, even where it does not have the context. */
  readonly ownDockerfile: boolean;
  /** Whether a context that is a repository keeps its `.git`. */
  readonly keepGitDir: boolean;
  /** What stands in place of stages and images: sources by name. */
  readonly contexts: Readonly<Record<string, string>>;
  /** Image config of a graph that the client sent along, bytes as stored. */
  readonly inputConfig: (input: string) => Uint8Array | undefined;
  /** What makes later builds reuse what was sent of a directory before. */
  readonly sharedKeyHint: (local: string) => string | undefined;
  readonly target: string;
  /** A question about the Dockerfile that is to be answered instead of building; empty: build. */
  readonly request: string;
  /** What to build for, each once; empty: what the worker runs natively. */
  readonly platforms: readonly Platform[];
  /** Whether the result is a map by platform. */
  readonly multiPlatform: boolean;
  readonly buildArgs: Readonly<Record<string, string>>;
  readonly labels: Readonly<Record<string, string>>;
  /** Whether a stage (by its name, `undefined` for one without) must not be answered from the cache. */
  readonly noCache: (stage: string | undefined) => boolean;
  readonly resolveMode: ImageResolveMode;
  readonly network: "sandbox" | "host" | "none";
  readonly extraHosts: readonly ExtraHost[];
  readonly hostname: string;
  readonly shmSizeBytes: number;
  readonly ulimits: readonly { readonly name: string; readonly soft: bigint; readonly hard: bigint }[];
  readonly cgroupParent: string;
  /** What each RUN may use; `undefined`: whatever there is. */
  readonly resources: LinuxResources | undefined;
  /** In front of the ids of cache mounts. */
  readonly cacheNamespace: string;
  /** Session that shares a directory, where it is not the one of the request. */
  readonly localSession: (local: string) => string | undefined;
  /** A frontend image has started us: the syntax line has been followed already. */
  readonly forwarded: boolean;
  /** `BUILDKIT_SYNTAX`: goes before the syntax line of the file. */
  readonly syntax: string | undefined;
  /** Names that are not known and have no effect. */
  readonly unknown: readonly string[];
}

/**
 * Reads `FrontendAttrs`. Whatever this frontend cannot do yet is refused here.
 * @throws {BuildError} with BuildKit's words
 */
export function readOptions(given: Readonly<Record<string, string>>): DockerfileOptions {
  const unknown = checkOptionNames(given);
  const buildArgs = withPrefix(given, "build-arg:");
  const platforms = parsePlatforms(given["platform"] ?? "");
  const noCache = given["no-cache"]?.split(",").map((name) => name.toLowerCase());
  return {
    filename: given["filename"] || "Dockerfile",
    dockerfileLocal: given["dockerfilekey"] || "dockerfile",
    contextLocal: given["contextkey"] || "context",
    context: given["context"] ?? "",
    contextSubdir: given["contextsubdir"] ?? "",
    ownDockerfile: given["dockerfilekey"] !== undefined,
    keepGitDir: parseKeepGitDir(buildArgs["BUILDKIT_CONTEXT_KEEP_GIT_DIR"] ?? ""),
    contexts: withPrefix(given, "context:"),
    inputConfig: (input) => parseInputConfig(given[`input-metadata:${input}`]),
    sharedKeyHint: (local) => given[`sharedkey:localdir:${local}`] || undefined,
    target: given["target"] ?? "",
    request: given["requestid"] ?? "",
    platforms,
    multiPlatform: parseMultiPlatform(
      buildArgs["BUILDKIT_MULTI_PLATFORM"] || given["multi-platform"] || "",
      platforms.length,
    ),
    buildArgs,
    labels: withPrefix(given, "label:"),
    noCache: (stage) =>
      noCache !== undefined && (given["no-cache"] === "" || noCache.includes(stage?.toLowerCase() ?? "")),
    resolveMode: oneOf(
      given["image-resolve-mode"] || "default",
      ["default", "pull", "local"],
      "invalid image-resolve-mode: ",
    ),
    network: oneOf(given["force-network-mode"] || "sandbox", ["sandbox", "host", "none"], "invalid netmode "),
    extraHosts: parseHosts(given["add-hosts"] ?? ""),
    hostname: buildArgs["BUILDKIT_SANDBOX_HOSTNAME"] || given["hostname"] || "",
    shmSizeBytes: parseShmSize(given["shm-size"] ?? ""),
    ulimits: parseUlimits(given["ulimit"] ?? ""),
    cgroupParent: given["cgroup-parent"] ?? "",
    resources: readResources(given),
    cacheNamespace: buildArgs["BUILDKIT_CACHE_MOUNT_NS"] ?? "",
    localSession: (local) => given[`local-sessionid:${local}`] || undefined,
    forwarded: given["cmdline"] !== undefined,
    syntax: buildArgs["BUILDKIT_SYNTAX"] || undefined,
    unknown,
  };
}

function withPrefix(given: Readonly<Record<string, string>>, prefix: string): Record<string, string> {
  return Object.fromEntries(
    Object.entries(given)
      .filter(([key]) => key.startsWith(prefix))
      .map(([key, value]) => [key.slice(prefix.length), value]),
  );
}

function parsePlatforms(text: string): readonly Platform[] {
  const platforms = new Map<string, Platform>();
  for (const part of text === "" ? [] : text.split(",")) {
    try {
      const platform = parsePlatform(part);
      platforms.set(formatPlatformFull(platform), platform);
    } catch (error) {
      throw invalid(`failed to parse target platform ${part}: ${(error as Error).message}`);
    }
  }
  return [...platforms.values()];
}

function parseMultiPlatform(text: string, platforms: number): boolean {
  if (text === "") return platforms > 1;
  const wanted = parseGoBool(text);
  if (wanted === undefined) throw invalid(`invalid boolean value for multi-platform: ${text}`);
  if (!wanted && platforms > 1) {
    throw invalid("conflicting config: returning multiple target platforms is not allowed");
  }
  return wanted;
}

function parseKeepGitDir(text: string): boolean {
  const wanted = text === "" ? false : parseGoBool(text);
  if (wanted === undefined) throw invalid(`failed to parse BUILDKIT_CONTEXT_KEEP_GIT_DIR=${text}: invalid syntax`);
  return wanted;
}

/** A JSON object of base64; the config stands under the key that exporters give it. */
function parseInputConfig(text: string | undefined): Uint8Array | undefined {
  if (text === undefined) return undefined;
  let config: unknown;
  try {
    config = (JSON.parse(text) as Readonly<Record<string, unknown>> | null)?.["containerimage.config"];
  } catch (cause) {
    throw new BuildError("invalid_argument", `failed to parse input metadata: ${messageOf(cause)}`, { cause });
  }
  return typeof config === "string" ? Buffer.from(config, "base64") : undefined;
}

function parseHosts(text: string): readonly ExtraHost[] {
  return csv(text, "failed to parse additional hosts").map((field) => {
    const at = field.indexOf("=");
    if (at < 0) throw invalid(`failed to parse additional hosts: invalid key-value pair ${field}`);
    const [host, ip] = [field.slice(0, at).toLowerCase(), field.slice(at + 1).toLowerCase()];
    if (isIP(ip) === 0) throw invalid(`failed to parse additional hosts: failed to parse IP ${ip}`);
    return { host, ip };
  });
}

function parseShmSize(text: string): number {
  if (text === "") return 0;
  const bytes = /^\d{1,15}$/.test(text) ? Number(text) : undefined;
  if (bytes === undefined) throw invalid(`failed to parse shm size: invalid size ${goQuote(text)}`);
  return bytes;
}

const ulimitNames =
  "core cpu data fsize locks memlock msgqueue nice nofile nproc rss rtprio rttime sigpending stack".split(" ");

function parseUlimits(text: string): DockerfileOptions["ulimits"] {
  return csv(text, "failed to parse ulimit").map((field) => {
    const match = /^([^=]+)=(-?\d{1,18})(?::(-?\d{1,18}))?$/.exec(field);
    if (!match) throw invalid(`failed to parse ulimit: invalid ulimit argument: ${field}`);
    const [, name = "", soft = "", hard = soft] = match;
    if (!ulimitNames.includes(name)) throw invalid(`failed to parse ulimit: invalid ulimit type: ${name}`);
    if (BigInt(hard) !== -1n && (BigInt(soft) > BigInt(hard) || soft === "-1")) {
      throw invalid(
        `failed to parse ulimit: ulimit soft limit must be less than or equal to hard limit: ${soft} > ${hard}`,
      );
    }
    return { name, soft: BigInt(soft), hard: BigInt(hard) };
  });
}

function csv(text: string, complaint: string): readonly string[] {
  try {
    return text === "" ? [] : parseCsvFields(text);
  } catch (error) {
    throw invalid(`${complaint}: ${(error as Error).message}`);
  }
}

function oneOf<T extends string>(value: string, choices: readonly T[], complaint: string): T {
  const found = choices.find((choice) => choice === value);
  if (found === undefined) throw invalid(`${complaint}${value}`);
  return found;
}

const invalid = (message: string) => new BuildError("invalid_argument", message);

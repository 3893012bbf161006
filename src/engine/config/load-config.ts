import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { BuildError, messageOf } from "../../base/errors/mod.ts";
import type { LogFormat, LogLevel } from "../../base/log/mod.ts";
import { parsePlatform } from "../../oci/mod.ts";
import { type ListenAddress, parseListenAddress } from "./address.ts";
import { cdiConfig } from "./cdi.ts";
import { type ConfigFile, readConfigFile } from "./config-file.ts";
import type { EngineConfig } from "./engine-config.ts";
import type { EngineFlags } from "./engine-flags.ts";
import { checkEntitlement } from "./entitlements.ts";
import { type GcConfig, parseKeepStorage } from "./gc.ts";
import { checkFixedFlag, fixedSettings } from "./fixed-settings.ts";
import { networkConfig } from "./network.ts";
import { loadProvenanceEnv } from "./provenance-env.ts";
import { loadServerTls } from "./server-tls.ts";

/** Files that are looked for when none is named, first one first: ours, and the one that buildx puts into an engine's container. */
export const defaultConfigFiles = ["/etc/polyarch/polyarchd.toml", "/etc/buildkit/buildkitd.toml"] as const;
const defaultRoot = "/var/lib/polyarch";
const defaultAddress = "unix:///run/polyarch/polyarchd.sock";

/** What {@link loadEngineConfig} reads besides the flags. */
export interface ConfigSurroundings {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly configFiles?: readonly string[];
  /** Where files are looked for that provenance is to be told more from, where the configuration names no place. */
  readonly provenanceEnvDir?: string;
  /** Where groups are looked up. */
  readonly groupFile?: string;
}

/**
 * Puts an engine's configuration together: flags beat the file, the file beats what is usual. Everything is checked, and certificates
 * are loaded, so that what is wrong is said before anything starts.
 * @throws {BuildError} `invalid_argument`
 */
export async function loadEngineConfig(flags: EngineFlags, surroundings: ConfigSurroundings): Promise<EngineConfig> {
  const { env, configFiles = defaultConfigFiles, groupFile = "/etc/group" } = surroundings;
  const { provenanceEnvDir = "/etc/buildkit/provenance.d" } = surroundings;
  for (const setting of fixedSettings) {
    const value = flags.fixed?.get(setting.flag);
    if (value !== undefined) checkFixedFlag(setting, value);
  }
  const file = await readConfigFile(flags.config ?? configFiles.find((path) => existsSync(path)) ?? "");
  const warnings = [
    ...file.warnings,
    ...(flags.withoutEffect ?? []).map((name) => `--${name} has no effect: this engine has no containerd worker`),
  ];
  const addresses = (flags.addresses ?? nonEmpty(file.addresses) ?? [defaultAddress]).map(parseListenAddress);
  const tls = loadServerTls({
    cert: flags.tlsCert ?? file.tls.cert,
    key: flags.tlsKey ?? file.tls.key,
    ca: flags.tlsCa ?? file.tls.ca,
  });
  for (const { type, text } of addresses) {
    if (type === "unix" && tls) warnings.push(`TLS is disabled for ${text}`);
    if (type === "tcp" && !tls) {
      warnings.push(`TLS is not enabled for ${text}. enabling mutual TLS authentication is highly recommended`);
    }
  }
  const debugAddress = flags.debugAddress ?? (env["BUILDKITD_DEBUGADDR"] || file.debugAddress);
  const traceSocket = flags.traceSocket ?? file.traceSocket;
  const cdi = cdiConfig(flags, file.cdi);
  const maxParallelism = flags.maxParallelism ?? file.maxParallelism;
  return {
    root: checkRoot(flags.root ?? file.root ?? defaultRoot),
    addresses,
    debugAddress: debugAddress ? parseDebugAddress(debugAddress) : undefined,
    traceSocket: traceSocket ? parseListenAddress(`unix://${traceSocket}`) : undefined,
    socketOwner: { uid: file.uid, gid: flags.group === undefined ? file.gid : groupId(flags.group, groupFile) },
    tls,
    log: { level: logLevel(flags, file, env), format: logFormat(flags.logFormat ?? file.logFormat ?? "text") },
    // As with buildkitd, whoever may build may ask for devices, where there can be any.
    entitlements: new Set([
      ...(flags.entitlements?.map(entitlement) ?? file.entitlements ?? unasked(flags)),
      ...(cdi ? ["device"] : []),
    ]),
    maxParallelism: maxParallelism === 0 ? Number.MAX_SAFE_INTEGER : maxParallelism,
    gc: gcConfig(flags, file),
    history: file.history,
    frontends: file.frontends,
    provenanceEnv: loadProvenanceEnv(file.provenanceEnvDir || provenanceEnvDir),
    system: file.system,
    runtime: (flags.runtime ?? file.runtime) || undefined,
    cgroupParent: file.cgroupParent || undefined,
    platforms: nonEmpty(flags.platforms?.map((text) => parsePlatform(text)) ?? file.platforms),
    labels: { ...file.labels, ...Object.fromEntries((flags.labels ?? []).map(label)) },
    dns: file.dns,
    network: networkConfig(flags, file.network, env),
    cdi,
    registries: file.registries,
    idleTimeoutMs: flags.idleTimeoutMs,
    warnings,
  };
}

/** `HOST:PORT` alone is one on TCP. */
function parseDebugAddress(text: string): ListenAddress {
  return parseListenAddress(text.includes("://") ? text : `tcp://${text}`);
}

/** What builds may ask for where nothing is said of it: an engine that a client has started for itself shares its network with it anyway. */
function unasked({ idleTimeoutMs }: EngineFlags): readonly string[] {
  return idleTimeoutMs === undefined ? [] : ["network.host"];
}

function nonEmpty<T>(list: readonly T[]): readonly T[] | undefined {
  return list.length > 0 ? list : undefined;
}

function gcConfig(flags: EngineFlags, { gc }: ConfigFile): GcConfig {
  const enabled = flags.gc ?? gc.enabled;
  if (flags.gcKeepStorage === undefined) return { ...gc, enabled };
  const bounds = parseKeepStorage(flags.gcKeepStorage);
  if (!bounds)
    throw invalid(`invalid --oci-worker-gc-keepstorage "${flags.gcKeepStorage}": want Reserved[,Free[,Maximum]] in MB`);
  return { ...gc, enabled, bounds };
}

/** Both engines have a `cache.db`, in forms that the other cannot read. */
function checkRoot(given: string): string {
  if (given === "") throw invalid(`the state directory has no name: want for instance --root ${defaultRoot}`);
  const root = resolve(given);
  if (!existsSync(join(root, "buildkitd.lock"))) return root;
  throw invalid(`${root} holds the state of buildkitd: give this engine a state directory of its own with --root`);
}

function entitlement(name: string): string {
  const wrong = checkEntitlement(name);
  if (wrong !== undefined) throw invalid(wrong);
  return name;
}

function label(text: string): [string, string] {
  const at = text.indexOf("=");
  if (at < 1) throw invalid(`invalid value ${text}: want key=value`);
  return [text.slice(0, at), text.slice(at + 1)];
}

function logLevel(flags: EngineFlags, file: ConfigFile, env: ConfigSurroundings["env"]): LogLevel {
  if (flags.debug) return "debug";
  const named = flags.logLevel ?? (env["BUILDKITD_LOG_LEVEL"] || undefined);
  const name = named ?? (file.debug && flags.debug === undefined ? "debug" : (file.logLevel ?? "info"));
  switch (name.toLowerCase()) {
    case "trace":
    case "debug":
      return "debug";
    case "info":
      return "info";
    case "warn":
    case "warning":
      return "warn";
    case "error":
    case "fatal":
    case "panic":
      return "error";
    default:
      throw invalid(`not a valid logrus Level: ${JSON.stringify(name)}: want error, warn, info, debug or trace`);
  }
}

function logFormat(name: string): LogFormat {
  if (name === "text" || name === "json") return name;
  throw invalid(`unsupported log type ${JSON.stringify(name)}: want text or json`);
}

function groupId(group: string, groupFile: string): number {
  if (/^\d+$/.test(group)) return Number(group);
  let text: string;
  try {
    text = readFileSync(groupFile, "utf8");
  } catch (cause) {
    throw new BuildError("invalid_argument", `cannot look up group ${group}: ${messageOf(cause)}`, { cause });
  }
  const id = text
    .split("\n")
    .map((line) => line.split(":"))
    .find(([name]) => name === group)?.[2];
  if (id === undefined || !/^\d+$/.test(id)) throw invalid(`group: unknown group ${group}`);
  return Number(id);
}

const invalid = (message: string) => new BuildError("invalid_argument", message);

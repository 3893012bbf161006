import type { Flag, FlagTable } from "../cli/flags/flag.ts";
import { parseFlags } from "../cli/flags/parse.ts";
import { UsageError } from "../cli/flags/usage-error.ts";
import { type EngineFlags, fixedSettings } from "../engine/config/mod.ts";

/** What `polyarchd` takes: buildkitd's flags, and `--idle-timeout`. */
export const engineFlagTable = {
  config: {
    kind: "string",
    usage: "Path to config file (default: /etc/polyarch/polyarchd.toml, else /etc/buildkit/buildkitd.toml)",
  },
  root: { kind: "string", usage: "Path to state directory (default: /var/lib/polyarch)" },
  addr: {
    kind: "array",
    usage:
      "Listening address: unix://PATH, tcp://HOST:PORT or fd://[NAME] (default: unix:///run/polyarch/polyarchd.sock)",
  },
  debugaddr: {
    kind: "string",
    usage: "Debugging address, for instance 127.0.0.1:6060: health, metrics, profiles [$BUILDKITD_DEBUGADDR]",
  },
  "otel-socket-path": {
    kind: "string",
    usage: "Socket at which processes of steps report OpenTelemetry traces (default: they cannot)",
  },
  group: { kind: "string", usage: "Group (name or gid) which will own all Unix socket listening addresses" },
  tlscacert: { kind: "string", usage: "CA certificate to verify clients with" },
  tlscert: { kind: "string", usage: "Certificate file to use" },
  tlskey: { kind: "string", usage: "Key file to use" },
  "allow-insecure-entitlement": {
    kind: "array",
    usage: "Allow builds to ask for network.host, security.insecure or device",
  },
  "oci-max-parallelism": {
    kind: "int",
    usage: "Steps that run at once, 0 for no limit (default: twice the number of processors, at least 4)",
  },
  "oci-worker-binary": {
    kind: "string",
    usage: "Program that starts containers, crun or runc: a name or a path (default: crun, else runc)",
  },
  "oci-worker-gc": { kind: "bool", usage: "Remove what nobody has used for long after builds (default: true)" },
  "oci-worker-gc-keepstorage": {
    kind: "string",
    usage: "How much to keep, in MB: Reserved[,Free[,Maximum]] (default: what suits the disk)",
  },
  "oci-worker-platform": { kind: "slice", usage: "Platforms to show to clients (default: those that can run here)" },
  "oci-worker-labels": { kind: "slice", usage: "Labels to show to clients, key=value" },
  "oci-worker-net": { kind: "string", usage: "Network of steps: auto, bridge, cni or host (default: auto)" },
  "oci-cni-config-path": {
    kind: "string",
    usage: "CNI configuration; a list when it ends in .conflist (default: /etc/buildkit/cni.json)",
  },
  "oci-cni-binary-dir": {
    kind: "string",
    usage: "Directory of CNI plugins (default: /opt/cni/bin, else /usr/lib/cni)",
  },
  "oci-cni-pool-size": { kind: "int", usage: "Networks of steps that are made ahead (default: 0)" },
  "cdi-disabled": { kind: "bool", usage: "Give steps no devices of the machine (CDI)" },
  "cdi-spec-dir": {
    kind: "slice",
    usage: "Directories of CDI specifications (default: /etc/cdi, /var/run/cdi, /etc/buildkit/cdi)",
  },
  "idle-timeout": {
    kind: "duration",
    usage: "Exit when nobody has used the engine for so long, for instance 10m (default: never)",
  },
  debug: { kind: "bool", usage: "Enable debug output in logs" },
  trace: { kind: "bool", usage: "Enable trace output in logs (highest verbosity)", hidden: true },
  "log-level": { kind: "string", usage: "Log level: error, warn, info, debug or trace (default: info)" },
  "log-format": { kind: "string", usage: "Log format: text or json (default: text)" },
  version: { kind: "bool", short: "v", usage: "Print the version" },
  help: { kind: "bool", short: "h", usage: "Show this help" },
} as const satisfies FlagTable;

/** Flags about which there is no choice; they are taken where they say what is so anyway. */
const fixedFlags: FlagTable = Object.fromEntries(
  fixedSettings.map(({ flag, kind }): [string, Flag] => [flag, { kind, usage: "", hidden: true }]),
);

/** Flags about a worker that is off, which need mean nothing: scripts set them beside `--containerd-worker=false`. */
const containerdFlags: FlagTable = Object.fromEntries(
  Object.entries({
    "cni-binary-dir": "string",
    "cni-config-path": "string",
    "cni-pool-size": "int",
    "max-parallelism": "int",
    "worker-addr": "string",
    "worker-apparmor-profile": "string",
    "worker-gc": "bool",
    "worker-gc-keepstorage": "string",
    "worker-labels": "slice",
    "worker-namespace": "string",
    "worker-net": "string",
    "worker-platform": "slice",
    "worker-rootless": "bool",
    "worker-runtime": "string",
    "worker-selinux": "bool",
    "worker-snapshotter": "string",
  } as const).map(([name, kind]): [string, Flag] => [`containerd-${name}`, { kind, usage: "", hidden: true }]),
);

/** Flags of buildkitd's that this engine has nothing for. */
const missing = /^(?:oci-worker-proxy-snapshotter-path|(?:un)?register-service|service-name|log-file)$/;

/** What the command line asks for. */
export type EngineCommand =
  | { readonly type: "run"; readonly flags: EngineFlags }
  | { readonly type: "help" }
  | { readonly type: "version" };

/**
 * Parses `polyarchd`'s command line.
 * @throws {UsageError} with pflag's words
 */
export function parseEngineFlags(argv: readonly string[]): EngineCommand {
  refuseMissing(argv);
  const { values, given, args } = parseFlags<FlagTable & typeof engineFlagTable>(
    { ...containerdFlags, ...fixedFlags, ...engineFlagTable },
    argv,
  );
  if (values.help) return { type: "help" };
  if (values.version) return { type: "version" };
  if (args.length > 0) throw new UsageError(`polyarchd takes no arguments, got ${JSON.stringify(args[0])}`);
  const when = <T>(name: keyof typeof engineFlagTable, value: T): T | undefined =>
    given.has(name) ? value : undefined;
  const fixed = fixedSettings.filter(({ flag }) => given.has(flag));
  const maxParallelism = values["oci-max-parallelism"];
  if (maxParallelism !== undefined && maxParallelism < 0) {
    throw new UsageError(`invalid --oci-max-parallelism ${maxParallelism}: want 0 (no limit) or more`);
  }
  const cniPoolSize = values["oci-cni-pool-size"];
  if (cniPoolSize !== undefined && cniPoolSize < 0) {
    throw new UsageError(`invalid --oci-cni-pool-size ${cniPoolSize}: want 0 (none) or more`);
  }
  return {
    type: "run",
    flags: {
      config: when("config", values.config),
      root: when("root", values.root),
      addresses: when("addr", values.addr),
      debugAddress: when("debugaddr", values.debugaddr),
      traceSocket: when("otel-socket-path", values["otel-socket-path"]),
      group: when("group", values.group),
      tlsCa: when("tlscacert", values.tlscacert),
      tlsCert: when("tlscert", values.tlscert),
      tlsKey: when("tlskey", values.tlskey),
      debug: given.has("debug") || given.has("trace") ? values.debug || values.trace : undefined,
      logLevel: when("log-level", values["log-level"]),
      logFormat: when("log-format", values["log-format"]),
      entitlements: when("allow-insecure-entitlement", values["allow-insecure-entitlement"]),
      maxParallelism,
      runtime: when("oci-worker-binary", values["oci-worker-binary"]),
      networkMode: when("oci-worker-net", values["oci-worker-net"]),
      cniConfigPath: when("oci-cni-config-path", values["oci-cni-config-path"]),
      cniBinaryDir: when("oci-cni-binary-dir", values["oci-cni-binary-dir"]),
      cniPoolSize: when("oci-cni-pool-size", cniPoolSize),
      cdiDisabled: when("cdi-disabled", values["cdi-disabled"]),
      cdiSpecDirs: when("cdi-spec-dir", values["cdi-spec-dir"]),
      gc: when("oci-worker-gc", values["oci-worker-gc"]),
      gcKeepStorage: when("oci-worker-gc-keepstorage", values["oci-worker-gc-keepstorage"]),
      platforms: when("oci-worker-platform", values["oci-worker-platform"]),
      labels: when("oci-worker-labels", values["oci-worker-labels"]),
      idleTimeoutMs: values["idle-timeout"] || undefined,
      withoutEffect: Object.keys(containerdFlags).filter((name) => given.has(name)),
      fixed: new Map(fixed.map(({ flag }) => [flag, String(values[flag])])),
    },
  };
}

/** Before anything is parsed: nothing is known of these flags, not even whether they take a value. */
function refuseMissing(argv: readonly string[]): void {
  for (const arg of argv) {
    const name = /^--([\w-]+)/.exec(arg)?.[1] ?? "";
    if (Object.hasOwn(fixedFlags, name) || !missing.test(name)) continue;
    throw new UsageError(`--${name} is not supported by this engine, it has nothing of the kind: leave it out`);
  }
}

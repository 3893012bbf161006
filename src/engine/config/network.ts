import { existsSync } from "node:fs";
import { BuildError } from "../../base/errors/mod.ts";
import type { EngineFlags } from "./engine-flags.ts";
import type { TomlTable } from "./toml-table.ts";

/** How steps are connected. */
export interface NetworkConfig {
  readonly mode: "host" | "cni" | "bridge";
  /** A CNI network configuration, or a list of them when it ends in `.conflist`. */
  readonly cniConfigPath: string;
  /** Where CNI plugins are. */
  readonly cniBinaryDir: string;
  /** Networks that are made ahead. */
  readonly cniPoolSize: number;
  readonly bridgeName: string;
  readonly bridgeSubnet: string;
  /** A file that engines of one machine lock while they set their networks up. */
  readonly initLockPath: string | undefined;
}

/** What a file says of it; `undefined` where it says nothing. */
export type NetworkFileConfig = Readonly<{
  [Key in Exclude<keyof NetworkConfig, "mode" | "initLockPath">]: NetworkConfig[Key] | undefined;
}> & {
  readonly mode: string | undefined;
};

const defaultConfigPath = "/etc/buildkit/cni.json";
/** BuildKit's, and where Debian's packages put plugins. */
const binaryDirs = ["/opt/cni/bin", "/usr/lib/cni"] as const;

const modes = ["", "auto", "host", "cni", "bridge"];
const unknownMode = (name: string) => `invalid network mode: ${JSON.stringify(name)}`;

/** Reads the network's part of a worker's table. */
export function readNetwork(table: TomlTable): NetworkFileConfig {
  const mode = table.string("networkMode");
  if (mode !== undefined && !modes.includes(mode)) table.fail("networkMode", unknownMode(mode));
  return {
    mode,
    cniConfigPath: table.string("cniConfigPath"),
    cniBinaryDir: table.string("cniBinaryPath"),
    cniPoolSize: table.count("cniPoolSize"),
    bridgeName: table.string("bridgeName"),
    bridgeSubnet: table.string("bridgeSubnet"),
  };
}

/**
 * What flags, file and variables come to: `auto` is a bridge when `BUILDKIT_NETWORK_BRIDGE_AUTO` says so, else CNI when there is a configuration for
 * it, else the engine's own network.
 * @throws {BuildError} `invalid_argument` for a mode that there is not
 */
export function networkConfig(
  flags: Pick<EngineFlags, "networkMode" | "cniConfigPath" | "cniBinaryDir" | "cniPoolSize">,
  file: NetworkFileConfig,
  env: Readonly<Record<string, string | undefined>>,
): NetworkConfig {
  const cniConfigPath = flags.cniConfigPath || file.cniConfigPath || defaultConfigPath;
  return {
    mode: resolveMode(flags.networkMode ?? file.mode ?? "", cniConfigPath, env),
    cniConfigPath,
    cniBinaryDir:
      flags.cniBinaryDir || file.cniBinaryDir || (binaryDirs.find((path) => existsSync(path)) ?? binaryDirs[0]),
    cniPoolSize: flags.cniPoolSize ?? file.cniPoolSize ?? 0,
    bridgeName: file.bridgeName || "buildkit0",
    bridgeSubnet: file.bridgeSubnet || "10.10.0.0/16",
    initLockPath: env["BUILDKIT_CNI_INIT_LOCK_PATH"],
  };
}

function resolveMode(
  name: string,
  cniConfigPath: string,
  env: Readonly<Record<string, string | undefined>>,
): NetworkConfig["mode"] {
  switch (name) {
    case "host":
    case "cni":
    case "bridge":
      return name;
    case "":
    case "auto":
      if (/^(1|t|T|true|TRUE|True)$/.test(env["BUILDKIT_NETWORK_BRIDGE_AUTO"] ?? "")) return "bridge";
      return existsSync(cniConfigPath) ? "cni" : "host";
    default:
      throw new BuildError("invalid_argument", unknownMode(name));
  }
}

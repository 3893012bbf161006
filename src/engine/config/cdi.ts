import type { EngineFlags } from "./engine-flags.ts";
import type { TomlTable } from "./toml-table.ts";

/** Devices of the machine that steps can be given. */
export interface CdiConfig {
  /** Where they are described; later directories have priority. */
  readonly specDirs: readonly string[];
  /** Devices, and kinds of them, that every build may have. */
  readonly autoAllowed: readonly string[];
}

/** What a file says of it; `undefined` where it says nothing. */
export interface CdiFileConfig {
  readonly disabled: boolean | undefined;
  readonly specDirs: readonly string[] | undefined;
  readonly autoAllowed: readonly string[] | undefined;
}

const defaultSpecDirs = ["/etc/cdi", "/var/run/cdi", "/etc/buildkit/cdi"];

/** Reads the table `cdi`. */
export function readCdi(table: TomlTable): CdiFileConfig {
  return {
    disabled: table.bool("disabled"),
    specDirs: table.strings("specDirs"),
    autoAllowed: table.strings("autoAllowed"),
  };
}

/** What flags and file come to; `undefined`: no devices. */
export function cdiConfig(
  flags: Pick<EngineFlags, "cdiDisabled" | "cdiSpecDirs">,
  file: CdiFileConfig,
): CdiConfig | undefined {
  if (flags.cdiDisabled ?? file.disabled) return undefined;
  const named = flags.cdiSpecDirs ?? file.specDirs ?? [];
  return { specDirs: named.length > 0 ? named : defaultSpecDirs, autoAllowed: file.autoAllowed ?? [] };
}

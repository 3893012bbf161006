import { statSync } from "node:fs";
import { delimiter, join } from "node:path";
import type { Architecture } from "./architectures.ts";
import { isStaticExecutable } from "./elf.ts";

/** Where emulators are besides PATH, which a service may have set short. */
const moreDirectories = ["/usr/local/bin", "/usr/bin"];

/** An installed emulator. `version` changes when the file does. */
export interface Emulator {
  readonly architecture: Architecture;
  readonly path: string;
  readonly version: string;
}

/**
 * The statically linked user-mode emulators for `wanted` that are installed, one each.
 * @param options.only look nowhere but in `path`
 * @param options.prefix what their files' names begin with
 */
export function installedEmulators(
  wanted: readonly Architecture[],
  path: string,
  options: { readonly only?: boolean; readonly prefix?: string } = {},
): readonly Emulator[] {
  const { only = false, prefix = "" } = options;
  const directories = [...new Set([...path.split(delimiter).filter(Boolean), ...(only ? [] : moreDirectories)])];
  return wanted.flatMap((architecture) => {
    const { qemu } = architecture;
    const names = [`qemu-${qemu}-static`, `buildkit-qemu-${qemu}`, `qemu-${qemu}`].map((name) => prefix + name);
    for (const candidate of directories.flatMap((directory) => names.map((name) => join(directory, name)))) {
      const version = staticVersion(candidate);
      if (version !== undefined) return [{ architecture, path: candidate, version }];
    }
    return [];
  });
}

function staticVersion(path: string): string | undefined {
  try {
    const { ino, size, mtimeMs } = statSync(path);
    return isStaticExecutable(path) ? `${ino}-${size}-${mtimeMs}` : undefined;
  } catch {
    return undefined;
  }
}

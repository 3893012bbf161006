import { BuildError } from "../../base/errors/mod.ts";
import type { Platform } from "../../oci/mod.ts";
import { type ListEntry, platformOf, withPlatform } from "./entry.ts";

/** The platforms that docker's CLI lets people write into a list, by operating system. */
const known: Readonly<Record<string, readonly string[]>> = {
  darwin: ["386", "amd64", "arm", "arm64"],
  dragonfly: ["amd64"],
  freebsd: ["386", "amd64", "arm"],
  linux: ["386", "amd64", "arm", "arm64", "loong64", "mips64", "mips64le", "ppc64le", "riscv64", "s390x"],
  netbsd: ["386", "amd64", "arm"],
  openbsd: ["386", "amd64", "arm"],
  plan9: ["386", "amd64"],
  solaris: ["amd64"],
  windows: ["386", "amd64", "arm64"],
};

/**
 * Says of an entry what its config did not, or said wrongly. Parts that are empty stay as they are; features are added.
 * @throws {BuildError} for an operating system and architecture that do not go together
 */
export function annotateEntry(entry: ListEntry, said: Platform): ListEntry {
  const old = platformOf(entry);
  const features = [...new Set([...(old.osFeatures ?? []), ...(said.osFeatures ?? [])])];
  const platform: Platform = {
    ...old,
    os: said.os || old.os,
    architecture: said.architecture || old.architecture,
    ...(said.variant ? { variant: said.variant } : {}),
    ...(said.osVersion ? { osVersion: said.osVersion } : {}),
    ...(features.length > 0 ? { osFeatures: features } : {}),
  };
  if (!known[platform.os]?.includes(platform.architecture)) {
    throw new BuildError(
      "invalid_argument",
      `manifest entry for image has unsupported os/arch combination: ${platform.os}/${platform.architecture}`,
    );
  }
  return withPlatform(entry, platform);
}

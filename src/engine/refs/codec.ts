import { BuildError } from "../../base/errors/mod.ts";
import type { Codec } from "../bytes/mod.ts";
import type { Compression } from "./ref.ts";

/**
 * Levels when nobody says any. Measured on Python's library and on binaries, two cores: gzip's 6 (zlib's own default) takes half as long again as
 * 4 and gains 2 to 3 % in size; 1 takes two thirds of the time of 4 and loses 5 to 8 %. zstd's own default is 3.
 */
export const defaultLevels = { gzip: 4, zstd: 3 } as const;

/**
 * Decides the level.
 * @throws {BuildError} `invalid_argument` for a level that the codec does not have
 */
export function codecOf({ type, level }: Compression): Codec {
  if (type === "uncompressed") return { type };
  const [lowest, highest] = type === "gzip" ? [0, 9] : [0, 22];
  if (level !== undefined && (!Number.isInteger(level) || level < lowest || level > highest)) {
    throw new BuildError(
      "invalid_argument",
      `invalid compression level ${level} for ${type}: want ${lowest}-${highest}`,
    );
  }
  // zstd's 0 means its default, too.
  return { type, level: (type === "zstd" && level === 0 ? undefined : level) ?? defaultLevels[type] };
}

/** How a layer says in a tar that something of the layers below is gone. */
export type WhiteoutName =
  /** The entry `name` beside this file is deleted. */
  | { readonly type: "whiteout"; readonly name: string }
  /** Everything that the layers below have in this directory is hidden. */
  | { readonly type: "opaque" }
  /** A remnant of AUFS that means nothing. */
  | { readonly type: "ignored" };

/** Beginning of the names of files that delete. */
export const whiteoutPrefix = ".wh.";

/** Name of the file that makes its directory opaque. */
export const opaqueMarker = ".wh..wh..opq";

/**
 * What the base name of an entry means in a layer; `undefined` for an ordinary name.
 * @see https://github.com/opencontainers/image-spec/blob/main/layer.md#whiteouts
 */
export function parseWhiteout(baseName: string): WhiteoutName | undefined {
  if (!baseName.startsWith(whiteoutPrefix)) return undefined;
  if (baseName === opaqueMarker) return { type: "opaque" };
  if (baseName.startsWith(whiteoutPrefix + whiteoutPrefix)) return { type: "ignored" };
  return { type: "whiteout", name: baseName.slice(whiteoutPrefix.length) };
}

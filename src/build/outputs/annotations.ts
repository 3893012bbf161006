import { parseAnnotation } from "../../imagetools/mod.ts";
import { formatPlatform } from "../../oci/mod.ts";

/**
 * `--annotation` as attributes of an exporter: `annotation-manifest[linux/amd64].key`.
 * @throws {BuildError} with docker buildx's words
 */
export function annotationAttrs(texts: readonly string[]): Readonly<Record<string, string>> {
  const entries = texts.flatMap(parseAnnotation).map(({ target, platform, key, value }) => {
    const type = target === undefined ? "" : `-${target}`;
    // An index is for all platforms.
    const only = platform && target?.startsWith("manifest") ? `[${formatPlatform(platform)}]` : "";
    return [`annotation${type}${only}.${key}`, value] as const;
  });
  return Object.fromEntries(entries);
}

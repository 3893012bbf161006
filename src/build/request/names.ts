import { BuildError, messageOf } from "../../base/errors/mod.ts";
import {
  currentPlatform,
  formatPlatform,
  formatReference,
  parsePlatform,
  parseReference,
  withDefaultTag,
} from "../../oci/mod.ts";

/** Image names spelled out, with a tag each. @throws {BuildError} `invalid tag "X": …` */
export function fullTags(tags: readonly string[]): readonly string[] {
  return tags.map((tag) => {
    const refuse = (why: string, cause?: unknown) =>
      new BuildError("invalid_argument", `invalid tag ${JSON.stringify(tag)}: ${why}`, { cause });
    let reference: ReturnType<typeof parseReference>;
    try {
      reference = parseReference(tag);
    } catch (error) {
      throw refuse(messageOf(error), error);
    }
    if (reference.digest !== undefined) throw refuse("an image cannot be given a digest as its name");
    return formatReference(withDefaultTag(reference));
  });
}

/** Platforms normalized, each once, in the order asked for. @throws {BuildError} with containerd's words */
export function fullPlatforms(platforms: readonly string[]): readonly string[] {
  const names = platforms
    .flatMap((list) => list.split(","))
    .map((name) => name.trim())
    .filter((name) => name !== "")
    .map((name) => formatPlatform(name === "local" ? currentPlatform() : parsePlatform(name)));
  return [...new Set(names)];
}

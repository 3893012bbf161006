import { BuildError } from "../../../base/errors/mod.ts";
import { type Digest, parseReference, type Reference, withDefaultTag, withDigest } from "../../../oci/mod.ts";
import { booleanAttribute } from "../attributes.ts";
import type { ExporterAttributes, ExportSource } from "../exporter.ts";

/** What an image is to be known by, as far as the request says it. */
export interface ImageNames {
  /** Normalized references; tags filled in unless the image is pushed by digest. */
  readonly given: readonly Reference[];
  /** As the request writes them. */
  readonly text: string;
  /** `name=*`: the frontend says it. */
  readonly fromFrontend: boolean;
  /** A repository in which the image gets a name with its digest. */
  readonly dangling:
    | { readonly repository: Reference; readonly text: string; readonly onlyUnnamed: boolean }
    | undefined;
  readonly byDigest: boolean;
}

/** Reads `name` and `dangling-name-prefix`. @throws {BuildError} `invalid_argument` */
export function parseImageNames(attributes: ExporterAttributes, options: { byDigest?: boolean } = {}): ImageNames {
  const { byDigest = false } = options;
  const { name = "", "dangling-name-prefix": prefix = "" } = attributes;
  const fromFrontend = name.trim() === "*";
  const repository = prefix === "" ? undefined : parseReference(prefix);
  if (repository?.tag ?? repository?.digest) {
    throw new BuildError(
      "invalid_argument",
      `invalid dangling-name-prefix "${prefix}": want a repository without a tag`,
    );
  }
  // With sic: BuildKit spells it so.
  const onlyUnnamed = booleanAttribute(attributes, "danging-name-empty-only", false);
  return {
    given: fromFrontend ? [] : parseNames(name, byDigest),
    text: name,
    fromFrontend,
    dangling: repository && { repository, text: prefix, onlyUnnamed },
    byDigest,
  };
}

/** Whether there can be a name at all, which pushing needs. */
export function canBeNamed({ given, fromFrontend, dangling }: ImageNames): boolean {
  return given.length > 0 || fromFrontend || dangling !== undefined;
}

/**
 * All names of an image that has been made.
 * @param digest the image's own
 * @throws {BuildError} `invalid_argument` for what a frontend calls a name
 */
export function namesOf(names: ImageNames, source: ExportSource, digest: Digest): readonly Reference[] {
  const all = givenNames(names, source);
  if (!names.dangling || (names.dangling.onlyUnnamed && all.length > 0)) return all;
  return [...all, withDigest(names.dangling.repository, digest)];
}

/** The names that do not depend on the image. @throws {BuildError} `invalid_argument` for what a frontend calls a name */
export function givenNames(names: ImageNames, source: ExportSource): readonly Reference[] {
  const said = names.fromFrontend ? source.metadata["image.name"] : undefined;
  return said ? parseNames(new TextDecoder().decode(said), names.byDigest) : names.given;
}

/** All names of an image as they were written, separated by commas: what a client is told of them. */
export function writtenNames(names: ImageNames, source: ExportSource, digest: Digest): string {
  const said = names.fromFrontend ? source.metadata["image.name"] : undefined;
  const text = said ? new TextDecoder().decode(said) : names.fromFrontend ? "" : names.text;
  const { dangling } = names;
  if (!dangling || (dangling.onlyUnnamed && text !== "")) return text;
  return [...(text === "" ? [] : [text]), `${dangling.text}@${digest}`].join(",");
}

function parseNames(text: string, byDigest: boolean): readonly Reference[] {
  const names = text.split(",").map((name) => name.trim());
  return names
    .filter((name) => name !== "")
    .map((name) => {
      const reference = parseReference(name);
      if (reference.digest)
        throw new BuildError(
          "invalid_argument",
          `cannot export to "${name}": a name with a digest cannot be given to a new image`,
        );
      if (!byDigest) return withDefaultTag(reference);
      if (reference.tag) throw new BuildError("invalid_argument", `can't push tagged ref ${name} by digest`);
      return reference;
    });
}

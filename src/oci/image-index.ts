import { BuildError } from "../base/errors/mod.ts";
import { decodeDescriptor, type Descriptor, descriptorToJson, sortedMap } from "./descriptor.ts";
import { optional } from "./fields.ts";
import { agreedType, decodeManifest, encodeIndented, type Manifest, openDocument } from "./manifest.ts";
import { isIndexType, type MediaTypeFamily, mediaTypes } from "./media-types.ts";

/**
 * The list of manifests of one image, by platform. Keep the bytes it was decoded from beside it: its digest is of those.
 * @see https://github.com/opencontainers/image-spec/blob/main/image-index.md
 */
export interface ImageIndex {
  readonly mediaType: string;
  readonly manifests: readonly Descriptor[];
  readonly annotations?: Readonly<Record<string, string>>;
  readonly artifactType?: string;
  readonly subject?: Descriptor;
}

/** An index in the names of one family. */
export function createIndex(parts: Omit<ImageIndex, "mediaType"> & { readonly family: MediaTypeFamily }): ImageIndex {
  const { family, ...rest } = parts;
  return { mediaType: family === "oci" ? mediaTypes.ociIndex : mediaTypes.dockerIndex, ...rest };
}

/**
 * Decodes an image index or a Docker manifest list, checking every field.
 * @param mediaType what the registry or the descriptor calls it; the bytes must not contradict
 * @throws {BuildError} `invalid_argument`
 */
export function decodeIndex(bytes: Uint8Array, mediaType?: string): ImageIndex {
  const fields = openDocument(bytes, "image index", mediaType);
  if (fields.raw("config") !== undefined || fields.raw("layers") !== undefined) {
    throw new BuildError(
      "invalid_argument",
      `Cannot decode image index: it has "config" or "layers", so it is a manifest`,
    );
  }
  const type = agreedType(fields, mediaType, mediaTypes.ociIndex);
  if (!isIndexType(type))
    throw new BuildError("invalid_argument", `Cannot decode image index: unexpected media type "${type}"`);
  return {
    mediaType: type,
    manifests: fields.optionalList("manifests", decodeDescriptor) ?? [],
    ...optional("annotations", fields.optionalStringMap("annotations")),
    ...optional("artifactType", fields.optionalString("artifactType") || undefined),
    ...optional("subject", fields.optionalObject("subject", decodeDescriptor)),
  };
}

/** JSON as BuildKit writes it: indented by two spaces, maps sorted. The same value gives the same bytes. */
export function encodeIndex(index: ImageIndex): Uint8Array {
  const { mediaType, manifests, annotations, artifactType, subject } = index;
  return encodeIndented({
    schemaVersion: 2,
    mediaType,
    ...optional("artifactType", artifactType),
    manifests: manifests.map(descriptorToJson),
    ...optional("subject", subject && descriptorToJson(subject)),
    ...optional("annotations", annotations && sortedMap(annotations)),
  });
}

/** What a name in a registry may point to. */
export type ImageDocument =
  | { readonly type: "manifest"; readonly manifest: Manifest }
  | { readonly type: "index"; readonly index: ImageIndex };

/**
 * Decodes whichever of the two it is: by `mediaType`, else by the document's own words, else by its fields.
 * @throws {BuildError} `invalid_argument`; `unimplemented` for Docker's schema 1
 */
export function decodeImageDocument(bytes: Uint8Array, mediaType?: string): ImageDocument {
  const fields = openDocument(bytes, "manifest", mediaType);
  const type = mediaType ?? fields.optionalString("mediaType");
  const isIndex = type ? isIndexType(type) : fields.raw("manifests") !== undefined;
  return isIndex
    ? { type: "index", index: decodeIndex(bytes, mediaType) }
    : { type: "manifest", manifest: decodeManifest(bytes, mediaType) };
}

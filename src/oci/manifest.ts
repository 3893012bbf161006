import { BuildError } from "../base/errors/mod.ts";
import { decodeDescriptor, type Descriptor, descriptorToJson, sortedMap } from "./descriptor.ts";
import { Fields, optional, parseJson } from "./fields.ts";
import { isManifestType, type MediaTypeFamily, mediaTypes } from "./media-types.ts";

/** More than any manifest, index or config that registries take. */
export const manifestLimitBytes = 8 * 1024 * 1024;

/**
 * One platform's config and layers. Keep the bytes it was decoded from beside it: its digest is of those.
 * @see https://github.com/opencontainers/image-spec/blob/main/manifest.md
 */
export interface Manifest {
  readonly mediaType: string;
  readonly config: Descriptor;
  /** Base first. */
  readonly layers: readonly Descriptor[];
  readonly annotations?: Readonly<Record<string, string>>;
  readonly artifactType?: string;
  /** What this manifest says something about. */
  readonly subject?: Descriptor;
}

/** A manifest in the names of one family. */
export function createManifest(parts: Omit<Manifest, "mediaType"> & { readonly family: MediaTypeFamily }): Manifest {
  const { family, ...rest } = parts;
  return { mediaType: family === "oci" ? mediaTypes.ociManifest : mediaTypes.dockerManifest, ...rest };
}

/**
 * Decodes an image manifest, OCI's or Docker's (schema 2), checking every field.
 * @param mediaType what the registry or the descriptor calls it; the bytes must not contradict
 * @throws {BuildError} `invalid_argument`; `unimplemented` for Docker's schema 1
 */
export function decodeManifest(bytes: Uint8Array, mediaType?: string): Manifest {
  const fields = openDocument(bytes, "manifest", mediaType);
  if (fields.raw("manifests") !== undefined) {
    throw new BuildError("invalid_argument", `Cannot decode manifest: it has "manifests", so it is an image index`);
  }
  const type = agreedType(fields, mediaType, mediaTypes.ociManifest);
  if (!isManifestType(type))
    throw new BuildError("invalid_argument", `Cannot decode manifest: unexpected media type "${type}"`);
  return {
    mediaType: type,
    config: decodeDescriptor(fields.raw("config"), "manifest.config"),
    layers: fields.optionalList("layers", decodeDescriptor) ?? [],
    ...optional("annotations", fields.optionalStringMap("annotations")),
    ...optional("artifactType", fields.optionalString("artifactType") || undefined),
    ...optional("subject", fields.optionalObject("subject", decodeDescriptor)),
  };
}

/** JSON as BuildKit writes it: indented by two spaces, maps sorted. The same value gives the same bytes. */
export function encodeManifest(manifest: Manifest): Uint8Array {
  const { mediaType, config, layers, annotations, artifactType, subject } = manifest;
  return encodeIndented({
    schemaVersion: 2,
    mediaType,
    ...optional("artifactType", artifactType),
    config: descriptorToJson(config),
    layers: layers.map(descriptorToJson),
    ...optional("subject", subject && descriptorToJson(subject)),
    ...optional("annotations", annotations && sortedMap(annotations)),
  });
}

/** Indented JSON as bytes. */
export function encodeIndented(value: unknown): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(value, undefined, 2));
}

/** Parses a manifest or index and refuses Docker's schema 1. */
export function openDocument(bytes: Uint8Array, what: string, mediaType: string | undefined): Fields {
  if (mediaType !== undefined && isSchema1Type(mediaType)) throw schema1();
  const fields = new Fields(parseJson(bytes, what, manifestLimitBytes), what);
  const version = fields.raw("schemaVersion");
  if (version === 1) throw schema1();
  if (version !== 2)
    throw new BuildError(
      "invalid_argument",
      `Cannot decode ${what}: schemaVersion is ${JSON.stringify(version)}, want 2`,
    );
  return fields;
}

/** Whether it names a manifest of Docker's retired first schema. */
export function isSchema1Type(mediaType: string): boolean {
  return /^application\/vnd\.docker\.distribution\.manifest\.v1\+(?:json|prettyjws)$/.test(mediaType);
}

/** The media type that the document and its descriptor agree on. */
export function agreedType(fields: Fields, outer: string | undefined, fallback: string): string {
  const inner = fields.optionalString("mediaType") || undefined;
  if (inner !== undefined && outer !== undefined && inner !== outer) {
    throw new BuildError(
      "invalid_argument",
      `Cannot decode ${fields.where}: its mediaType "${inner}" contradicts "${outer}"`,
    );
  }
  return inner ?? outer ?? fallback;
}

function schema1(): BuildError {
  return new BuildError(
    "unimplemented",
    "Docker Image manifest version 2, schema 1 is no longer supported: pull and push the image again with a current tool to convert it",
  );
}

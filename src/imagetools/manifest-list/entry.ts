import { BuildError } from "../../base/errors/mod.ts";
import {
  decodeDescriptor,
  decodeManifest,
  type Descriptor,
  descriptorToJson,
  digestOf,
  formatReference,
  isIndexType,
  type Manifest,
  mediaTypes,
  parseReference,
  type Platform,
  type Reference,
} from "../../oci/mod.ts";

/** One image of a manifest list that is being put together. */
export interface ListEntry {
  /** Where it came from. */
  readonly reference: Reference;
  /** Its platform is what people said of it, else what its config says: not normalized, parts may be empty. */
  readonly descriptor: Descriptor;
  /** The manifest as its registry has it. */
  readonly bytes: Uint8Array;
  readonly manifest: Manifest;
}

/** An entry without platform, as docker writes it. */
const noPlatform: Platform = { os: "", architecture: "" };

/** An entry's platform; empty where nothing is known. */
export function platformOf({ descriptor }: ListEntry): Platform {
  return descriptor.platform ?? noPlatform;
}

/** The entry with another platform. */
export function withPlatform(entry: ListEntry, platform: Platform): ListEntry {
  return { ...entry, descriptor: { ...entry.descriptor, platform } };
}

/** The entry as docker's CLI keeps and shows it. */
export function entryToJson({ reference, descriptor, bytes, manifest }: ListEntry): Record<string, unknown> {
  const kind = manifest.mediaType === mediaTypes.dockerManifest ? "SchemaV2Manifest" : "OCIManifest";
  return {
    Ref: formatReference(reference),
    Descriptor: descriptorToJson(descriptor),
    Raw: Buffer.from(bytes).toString("base64"),
    [kind]: JSON.parse(Buffer.from(bytes).toString()) as unknown,
  };
}

/**
 * Reads an entry that docker's CLI, or we, have kept.
 * @param file for messages
 * @throws {BuildError} `invalid_argument` when it is none, or the manifest in it is not the one that its digest names
 */
export function decodeEntry(text: string, file: string): ListEntry {
  try {
    return decode(JSON.parse(text) as Record<string, unknown>);
  } catch (cause) {
    throw new BuildError("invalid_argument", `invalid manifest file ${file}: ${(cause as Error).message}`, { cause });
  }
}

function decode(json: Record<string, unknown>): ListEntry {
  const { Ref: name, Raw: raw, SchemaV2Manifest: docker, OCIManifest: oci } = json;
  if (typeof name !== "string") throw new Error("it has no Ref");
  const embedded = docker ?? oci;
  const texts = [
    ...(typeof raw === "string" && raw !== "" ? [Buffer.from(raw, "base64")] : []),
    // Files of older versions lack the text that the digest is of; it was indented in one of these ways.
    ...(embedded ? [undefined, 3, 2].map((indent) => Buffer.from(JSON.stringify(embedded, undefined, indent))) : []),
  ];
  const [first] = texts;
  if (!first) throw new Error("it has no manifest");
  const fallback = docker ? mediaTypes.dockerManifest : mediaTypes.ociManifest;
  const old = typeof json.Digest === "string" && json.Digest !== "";
  const about = old ? { mediaType: fallback, digest: json.Digest, size: 0, platform: json.Platform } : json.Descriptor;
  const descriptor = decodeDescriptor(about, "Descriptor");
  const bytes = texts.find((candidate) => digestOf(candidate) === descriptor.digest);
  if (!bytes) throw new Error(`image manifest digest mismatch (${descriptor.digest} != ${digestOf(first)})`);
  if (isIndexType(descriptor.mediaType)) throw new Error("it holds a manifest list");
  return {
    reference: parseReference(name),
    descriptor: { ...descriptor, size: bytes.byteLength },
    bytes,
    manifest: decodeManifest(bytes, descriptor.mediaType),
  };
}

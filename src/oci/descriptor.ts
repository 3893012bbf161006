import { type Digest, digestOf, parseDigest } from "./digest.ts";
import { Fields, optional, wrong } from "./fields.ts";
import type { Platform } from "./platform.ts";

/**
 * A typed pointer to a blob.
 * @see https://github.com/opencontainers/image-spec/blob/main/descriptor.md
 */
export interface Descriptor {
  readonly mediaType: string;
  readonly digest: Digest;
  /** Bytes of the blob as stored. */
  readonly size: number;
  /** Where else the bytes may be had from. */
  readonly urls?: readonly string[];
  readonly annotations?: Readonly<Record<string, string>>;
  /** The blob itself, base64, when it is small. */
  readonly data?: string;
  /** As it came: not normalized. */
  readonly platform?: Platform;
  readonly artifactType?: string;
}

/** The descriptor of these bytes. */
export function describe(mediaType: string, bytes: Uint8Array): Descriptor {
  return { mediaType, digest: digestOf(bytes), size: bytes.byteLength };
}

/**
 * Reads a descriptor out of parsed JSON, checking every field.
 * @param where names it in messages
 * @throws {BuildError} `invalid_argument`
 */
export function decodeDescriptor(value: unknown, where = "descriptor"): Descriptor {
  const fields = new Fields(value, where);
  return {
    mediaType: fields.string("mediaType"),
    digest: parseDigest(fields.string("digest")),
    size: fields.size("size"),
    ...optional("urls", fields.optionalStrings("urls")),
    ...optional("annotations", fields.optionalStringMap("annotations")),
    ...optional("data", fields.optionalString("data")),
    ...optional("platform", fields.optionalObject("platform", decodePlatform)),
    ...optional("artifactType", fields.optionalString("artifactType")),
  };
}

/** The descriptor as plain JSON values, fields in the order in which Go's encoders write them. */
export function descriptorToJson(descriptor: Descriptor): Record<string, unknown> {
  const { mediaType, digest, size, urls, annotations, data, platform, artifactType } = descriptor;
  return {
    mediaType,
    digest,
    size,
    ...optional("urls", urls?.length ? urls : undefined),
    ...optional("annotations", annotations && sortedMap(annotations)),
    ...optional("data", data),
    ...optional("platform", platform && platformToJson(platform)),
    ...optional("artifactType", artifactType),
  };
}

/** A map with its keys in byte order, `undefined` when it is empty: one text for one value. */
export function sortedMap<T>(map: Readonly<Record<string, T>>): Readonly<Record<string, T>> | undefined {
  const entries = Object.entries(map).sort(([a], [b]) => (a < b ? -1 : 1));
  return entries.length === 0 ? undefined : Object.fromEntries(entries);
}

function decodePlatform(value: unknown, where: string): Platform {
  const fields = new Fields(value, where);
  const os = fields.optionalString("os") ?? "";
  const architecture = fields.optionalString("architecture") ?? "";
  if (/[^\x21-\x7e]/.test(os + architecture)) throw wrong(where, "printable names", value);
  return {
    os,
    architecture,
    ...optional("variant", fields.optionalString("variant") || undefined),
    ...optional("osVersion", fields.optionalString("os.version") || undefined),
    ...optional("osFeatures", fields.optionalStrings("os.features")),
  };
}

function platformToJson(platform: Platform): Record<string, unknown> {
  const { os, architecture, variant, osVersion, osFeatures } = platform;
  return {
    architecture,
    os,
    ...optional("os.version", osVersion),
    ...optional("os.features", osFeatures?.length ? osFeatures : undefined),
    ...optional("variant", variant),
  };
}

import { BuildError, asBuildError } from "../base/errors/mod.ts";
import type { CallControl } from "../client/mod.ts";
import { collectBytes, decodeIndex, type Descriptor, formatPlatform, isIndexType } from "../oci/mod.ts";
import type { BuildRecord } from "./build-record.ts";

/** Something that belongs to a build's result and can be looked at. */
export interface Attachment {
  readonly digest: string;
  /** As text; empty for what belongs to all platforms, or to none. */
  readonly platform: string;
  /** Media type, or of a statement what it states. */
  readonly type: string;
}

/** Largest attachment that is taken. */
const largest = 64 * 1024 * 1024;

/** What belongs to a build: its images, with the images of an index, and statements on them. */
export async function listAttachments(record: BuildRecord, options: CallControl): Promise<readonly Attachment[]> {
  const { Result, Results } = record.wire;
  const found: Attachment[] = [];
  for (const [platform, info] of [["", Result] as const, ...Object.entries(Results)]) {
    if (!info) continue;
    const images = Object.entries(info.Results).toSorted(([a], [b]) => Number(a) - Number(b));
    const descriptors = images.length > 0 ? images.map(([, image]) => image) : [info.ResultDeprecated];
    for (const descriptor of descriptors) {
      if (!descriptor) continue;
      found.push({ digest: descriptor.digest, platform, type: descriptor.mediaType });
      if (isIndexType(descriptor.mediaType)) found.push(...(await imagesOf(record, descriptor.digest, options)));
    }
    for (const { digest, mediaType, annotations } of info.Attestations) {
      found.push({ digest, platform, type: annotations["in-toto.io/predicate-type"] ?? mediaType });
    }
  }
  const seen = new Set<string>();
  return found.filter(({ digest }) => !seen.has(digest) && seen.add(digest));
}

/** The bytes of an attachment. @throws {BuildError} `not_found` */
export async function readAttachment({ node }: BuildRecord, digest: string, options: CallControl): Promise<Uint8Array> {
  return await collectBytes(node.client.readBlob(digest, options), { limitBytes: largest });
}

async function imagesOf(record: BuildRecord, digest: string, options: CallControl): Promise<readonly Attachment[]> {
  let manifests: readonly Descriptor[];
  try {
    manifests = decodeIndex(await readAttachment(record, digest, options)).manifests;
  } catch (error) {
    if (asBuildError(error).code === "not_found") return []; // the engine has not kept it
    throw error;
  }
  return manifests
    .map((manifest) => ({
      digest: manifest.digest,
      platform: manifest.platform ? formatPlatform(manifest.platform) : "",
      type: manifest.mediaType,
    }))
    .toSorted((a, b) => (a.platform < b.platform ? -1 : Number(a.platform > b.platform)));
}

/** Short names of kinds of attachments, and the types that they stand for. */
const kinds: Readonly<Record<string, RegExp>> = {
  index: /^application\/vnd\.(?:oci\.image\.index\.v1\+json|docker\.distribution\.manifest\.list\.v2\+json)$/,
  manifest: /^application\/vnd\.(?:oci\.image|docker\.distribution)\.manifest\.v[12]\+json$/,
  image: /^application\/vnd\.(?:oci\.image\.config\.v1|docker\.container\.image\.v1)\+json$/,
  provenance: /^https:\/\/slsa\.dev\/provenance\//,
  sbom: /^https:\/\/spdx\.dev\/Document/,
};

/**
 * The one attachment that is meant.
 * @param wanted digest, platform as text, and kind (`index`, `manifest`, `image`, `provenance`, `sbom`, or a type in full); empty: any
 * @throws {BuildError} `not_found` with buildx's words
 */
export async function findAttachment(
  record: BuildRecord,
  wanted: { readonly digest: string; readonly platform: string; readonly type: string },
  options: CallControl,
): Promise<Attachment> {
  const all = [...(await listAttachments(record, options))];
  if (wanted.type === "image") all.push(...(await configsOf(record, all, options)));
  const kind = Object.hasOwn(kinds, wanted.type) ? kinds[wanted.type] : undefined;
  const found = all.find(
    ({ digest, platform, type }) =>
      (wanted.digest === "" || digest === wanted.digest) &&
      (wanted.platform === "" || platform === wanted.platform) &&
      (wanted.type === "" || (kind ? kind.test(type) : type === wanted.type)),
  );
  if (found) return found;
  throw new BuildError("not_found", `no matching attachment found for ref ${JSON.stringify(record.ref)}`);
}

/** The configurations behind manifests. */
async function configsOf(
  record: BuildRecord,
  attachments: readonly Attachment[],
  options: CallControl,
): Promise<readonly Attachment[]> {
  const manifests = attachments.filter(({ type }) => kinds["manifest"]?.test(type));
  return await Promise.all(
    manifests.map(async ({ digest, platform }) => {
      const { config } = JSON.parse(Buffer.from(await readAttachment(record, digest, options)).toString()) as {
        config: { digest: string; mediaType: string };
      };
      return { digest: config.digest, platform, type: config.mediaType };
    }),
  );
}

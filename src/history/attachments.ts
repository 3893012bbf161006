import { BuildError } from "../base/errors/mod.ts";
import type { CallControl } from "../client/mod.ts";
import { collectBytes, decodeIndex, formatPlatform, isIndexType } from "../oci/mod.ts";
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

/** What belongs to a build and is kept by the engine: its images, with the images of an index, and statements on them; what is of no platform first. */
export async function listAttachments(record: BuildRecord, options: CallControl): Promise<readonly Attachment[]> {
  const { Result, Results } = record.wire;
  const found: Attachment[] = [];
  for (const [platform, info] of [["", Result] as const, ...Object.entries(Results)]) {
    for (const { digest, mediaType, annotations } of info?.Attestations ?? []) {
      found.push({ digest, platform, type: annotations["in-toto.io/predicate-type"] ?? mediaType });
    }
    for (const { digest, mediaType } of Object.values(info?.Results ?? {})) {
      found.push(...(await imagesOf(record, { digest, platform, type: mediaType }, options)));
    }
  }
  return found.toSorted((a, b) => compare(a.platform, b.platform) || compare(a.type, b.type));
}

function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}

/** The bytes of an attachment. @throws {BuildError} `not_found` */
export async function readAttachment({ node }: BuildRecord, digest: string, options: CallControl): Promise<Uint8Array> {
  return await collectBytes(node.client.readBlob(digest, options), { limitBytes: largest });
}

/** An image, and where it is an index its images; nothing where the engine has not kept it. */
async function imagesOf(record: BuildRecord, image: Attachment, options: CallControl): Promise<readonly Attachment[]> {
  if (!(await record.node.client.hasBlob(image.digest, options))) return [];
  if (!isIndexType(image.type)) return [image];
  const { manifests } = decodeIndex(await readAttachment(record, image.digest, options));
  const found: Attachment[] = [image];
  for (const { digest, platform, mediaType, annotations } of manifests) {
    if (annotations?.["vnd.docker.reference.type"] === "attestation-manifest") continue;
    const below = { digest, platform: platform ? formatPlatform(platform) : image.platform, type: mediaType };
    found.push(...(await imagesOf(record, below, options)));
  }
  return found;
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

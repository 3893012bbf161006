import { TaskGroup } from "../../../base/async/mod.ts";
import { type Digest, digestOf } from "../../../oci/mod.ts";
import type { VertexProgress } from "../../solver/mod.ts";
import { step } from "../../exporters/mod.ts";
import type { LayerBlob } from "../../refs/mod.ts";
import type { BlobPlace, CacheAttributes, FoundCache, FoundLayer } from "../backend.ts";
import type { CollectedCache } from "../collect.ts";
import { decodeCacheConfig, encodeCacheConfig } from "../config/cache-config.ts";

/**
 * A cache as a list of contents that says of itself what its blobs are.
 * @throws {BuildError} `invalid_argument` when it is none
 */
export function annotatedCache(list: Uint8Array, place: BlobPlace): FoundCache {
  const config = decodeCacheConfig(list);
  const layers = new Map<Digest, FoundLayer>();
  for (const { blob: digest, annotations } of config.layers) {
    if (!annotations) continue;
    const { mediaType, diffId, size, createdAt } = annotations;
    layers.set(digest, { descriptor: { mediaType, digest, size }, diffId, createdAt });
  }
  return { config, layers, place };
}

/**
 * Writes the blobs of a cache, then lets its list of contents be written: a list names nothing that is not there.
 * @param write writes a blob, unless it is there already; what it does that takes long is done in `writing`
 */
export async function writeAnnotatedCache(
  { config, blobs }: CollectedCache,
  options: { readonly atOnce: number; readonly progress: VertexProgress; readonly signal: AbortSignal },
  write: (
    blob: LayerBlob,
    options: { readonly signal: AbortSignal; readonly writing: (work: () => Promise<void>) => Promise<void> },
  ) => Promise<void>,
  writeList: (list: Uint8Array) => Promise<void>,
): Promise<void> {
  const { atOnce, progress, signal } = options;
  await using group = new TaskGroup({ limit: atOnce, signal });
  await group.all(
    blobs.map((blob) => async (task) => {
      const writing = (work: () => Promise<void>) => step(progress, `writing layer ${blob.descriptor.digest}`, work);
      await write(blob, { ...task, writing });
    }),
  );
  await writeList(encodeCacheConfig(config, { annotated: true }));
}

/** What people see of a cache that has no name of its own: it stands for the attributes, secrets among them, without telling any. */
export function importName(type: string, attributes: CacheAttributes): string {
  const sorted = Object.entries(attributes).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return `${type}:${BigInt(`0x${digestOf(JSON.stringify(sorted)).slice(7, 23)}`)}`;
}

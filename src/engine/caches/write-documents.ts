import { TaskGroup } from "../../base/async/mod.ts";
import type { Descriptor } from "../../oci/mod.ts";
import { step } from "../exporters/mod.ts";
import type { VertexProgress } from "../solver/mod.ts";
import type { CollectedCache } from "./collect.ts";
import { inContext } from "./objects/service-http.ts";
import { cacheDocuments, type ManifestForm } from "./manifest.ts";

/** How many blobs travel at once. */
const blobsAtOnce = 6;

/** A place that a cache is written to as documents of a registry. */
export interface DocumentWriter {
  /** @param bytes each chunk need only be valid until the next one is asked for; opened anew for each attempt */
  writeBlob(
    blob: Descriptor,
    open: (options: { signal: AbortSignal }) => AsyncIterable<Uint8Array>,
    options: { readonly signal: AbortSignal; readonly knownIn: readonly string[] },
  ): Promise<void>;
  writeManifest(manifest: Descriptor, bytes: Uint8Array, options: { readonly signal: AbortSignal }): Promise<void>;
}

/**
 * Writes blobs, the list of contents, and last the manifest that names them all.
 * @returns what the client is told
 */
export async function writeDocuments(
  cache: CollectedCache,
  form: ManifestForm,
  writer: DocumentWriter,
  { signal, progress }: { readonly signal: AbortSignal; readonly progress: VertexProgress },
): Promise<Readonly<Record<string, string>>> {
  const { config, manifest } = cacheDocuments(cache, form);
  await using group = new TaskGroup({ limit: blobsAtOnce, signal });
  await group.all(
    cache.blobs.map(({ descriptor, knownIn, ...blob }) => async (options) => {
      const open = (opening: { signal: AbortSignal }) => blob.open({ ...opening, lend: true });
      await step(progress, `writing layer ${descriptor.digest}`, () =>
        writer.writeBlob(descriptor, open, { ...options, knownIn }).catch(inContext("error writing layer blob")),
      );
    }),
  );
  await step(progress, `writing config ${config.descriptor.digest}`, () =>
    writer
      .writeBlob(config.descriptor, () => once(config.bytes), { signal, knownIn: [] })
      .catch(inContext("error writing config blob")),
  );
  const what = form.isManifest ? "cache image manifest" : "cache manifest";
  await step(progress, `writing ${what} ${manifest.descriptor.digest}`, () =>
    writer
      .writeManifest(manifest.descriptor, manifest.bytes, { signal })
      .catch(inContext("error writing manifest blob")),
  );
  return { "cache.manifest": JSON.stringify(manifest.descriptor) };
}

/** A document as a stream. */
export async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

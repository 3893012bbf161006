import { TaskGroup } from "../../../base/async/mod.ts";
import { BuildError, isAbort, messageOf } from "../../../base/errors/mod.ts";
import {
  type Digest,
  familiarReference,
  formatReference,
  repositoryName,
  type Reference,
  withDigest,
  withTag,
} from "../../../oci/mod.ts";
import type { Document, ExportContext } from "../exporter.ts";
import { step } from "../step.ts";
import type { AssembledImage } from "./assemble.ts";

/** How many blobs of one image travel at once; the registry client has a bound of its own per host. */
const uploadsAtOnce = 6;
/** Smaller blobs are gone before anybody could read their line. */
const visibleFromBytes = 4 * 1024 * 1024;

/**
 * Pushes a whole image under one name: blobs, then manifests, then the index, so that what the name points to is always complete.
 * A registry that already has the image under that name is only asked, once.
 */
export async function pushImage(
  image: AssembledImage,
  name: Reference,
  options: { readonly byDigest: boolean; readonly context: ExportContext },
): Promise<void> {
  const { context, byDigest } = options;
  const { registry, signal, progress } = context;
  const top = image.top.descriptor;
  const target = byDigest ? withDigest(name, top.digest) : name;
  const tagOrDigest = byDigest ? top.digest : (name.tag ?? "latest");
  try {
    const present = await registry.hasManifest(name, tagOrDigest, { signal });
    if (present?.digest === top.digest) {
      await step(progress, `pushing manifest for ${formatReference(withDigest(target, top.digest))}`, () => undefined);
      return;
    }
    await step(progress, "pushing layers", () => pushBlobs(image, name, context));
    await step(progress, `pushing manifest for ${formatReference(withDigest(target, top.digest))}`, async () => {
      if (image.index) {
        await Promise.all(
          image.manifests.map(({ manifest }) => pushDocument(manifest, name, manifest.descriptor.digest, context)),
        );
      }
      await pushDocument(image.top, name, tagOrDigest, context);
    });
  } catch (error) {
    if (isAbort(error) || signal.aborted) throw error;
    const code = error instanceof BuildError ? error.code : "unknown";
    throw new BuildError(code, `failed to push ${familiarReference(target)}: ${messageOf(error)}`, { cause: error });
  }
}

/** Every blob that any of the manifests names, each once, several at a time. */
async function pushBlobs(image: AssembledImage, name: Reference, context: ExportContext): Promise<void> {
  const { registry, progress } = context;
  const seen = new Set<Digest>();
  const tasks: ((options: { signal: AbortSignal }) => Promise<void>)[] = [];
  for (const { layers, config } of image.manifests) {
    for (const layer of layers) {
      const { descriptor } = layer;
      if (seen.has(descriptor.digest)) continue;
      seen.add(descriptor.digest);
      tasks.push(async ({ signal }) => {
        const started = new Date();
        const visible = descriptor.size >= visibleFromBytes;
        const report = (current: number, completed?: Date) => {
          const id = `pushing ${descriptor.digest}`;
          if (visible)
            progress.status({ id, current, total: descriptor.size, started, ...(completed ? { completed } : {}) });
        };
        await registry.pushBlob(name, descriptor, (options) => layer.open({ ...options, lend: true }), {
          signal,
          mountFrom: layer.knownIn,
          onProgress: (current) => report(current),
        });
        report(descriptor.size, new Date());
        context.noteKnownIn(descriptor.digest, repositoryName(name));
      });
    }
    if (seen.has(config.descriptor.digest)) continue;
    seen.add(config.descriptor.digest);
    tasks.push(async ({ signal }) => {
      await registry.pushBlob(name, config.descriptor, () => once(config.bytes), { signal });
    });
  }
  await using group = new TaskGroup({ limit: uploadsAtOnce, signal: context.signal });
  await group.all(tasks);
}

async function pushDocument(
  document: Document,
  name: Reference,
  tagOrDigest: string,
  context: ExportContext,
): Promise<void> {
  await context.registry.pushManifest(
    name.digest ? withTag(name, tagOrDigest) : name,
    { mediaType: document.descriptor.mediaType, bytes: document.bytes },
    tagOrDigest,
    { signal: context.signal },
  );
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

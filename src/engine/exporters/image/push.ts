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
import type { Registry } from "../../../registry/mod.ts";
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
  options: { readonly byDigest: boolean; readonly context: ExportContext; readonly registry: Registry },
): Promise<void> {
  const { context, byDigest, registry } = options;
  const { signal, progress } = context;
  const top = image.top.descriptor;
  const target = byDigest ? withDigest(name, top.digest) : name;
  const tagOrDigest = byDigest ? top.digest : (name.tag ?? "latest");
  try {
    const present = await registry.hasManifest(name, tagOrDigest, { signal });
    if (present?.digest === top.digest) {
      await step(progress, `pushing manifest for ${formatReference(withDigest(target, top.digest))}`, () => undefined);
      return;
    }
    const blobs = blobPushes(image, name, options);
    const manifests = new Map(
      [...image.manifests, ...image.attestations].map(({ manifest }): [Digest, Push] => {
        const { digest } = manifest.descriptor;
        return [digest, ({ signal }) => pushDocument(manifest, name, digest, { registry, parts: blobs, signal })];
      }),
    );
    await step(progress, "pushing layers", () => pushAll([...blobs.values()], { signal }));
    await step(progress, `pushing manifest for ${formatReference(withDigest(target, top.digest))}`, async () => {
      if (image.index) await pushAll([...manifests.values()], { signal });
      const parts = image.index ? manifests : blobs;
      await pushDocument(image.top, name, tagOrDigest, { registry, parts, signal });
    });
  } catch (error) {
    if (isAbort(error) || signal.aborted) throw error;
    const code = error instanceof BuildError ? error.code : "unknown";
    throw new BuildError(code, `failed to push ${familiarReference(target)}: ${messageOf(error)}`, { cause: error });
  }
}

/** Pushes one thing. `anew`: also when the registry says that it has it. */
type Push = (options: { readonly signal: AbortSignal; readonly anew?: boolean }) => Promise<void>;

/** How to push every blob that any of the manifests names. */
function blobPushes(
  image: AssembledImage,
  name: Reference,
  { context, registry }: { readonly context: ExportContext; readonly registry: Registry },
): ReadonlyMap<Digest, Push> {
  const { progress } = context;
  const pushes = new Map<Digest, Push>();
  for (const { layers, layerDescriptors } of image.manifests) {
    for (const [at, layer] of layers.entries()) {
      const { descriptor } = layer;
      if (pushes.has(descriptor.digest) || layerDescriptors[at]?.urls) continue;
      pushes.set(descriptor.digest, async (how) => {
        const started = new Date();
        const visible = descriptor.size >= visibleFromBytes;
        const report = (current: number, completed?: Date) => {
          const id = `pushing ${descriptor.digest}`;
          if (visible)
            progress.status({ id, current, total: descriptor.size, started, ...(completed ? { completed } : {}) });
        };
        await registry.pushBlob(name, descriptor, (options) => layer.open({ ...options, lend: true }), {
          ...how,
          mountFrom: layer.knownIn,
          onProgress: (current) => report(current),
        });
        report(descriptor.size, new Date());
        context.noteKnownIn(descriptor.digest, repositoryName(name));
      });
    }
  }
  const configs = [...image.manifests, ...image.attestations].map(({ config }) => config);
  const statements = image.attestations.flatMap(({ statements }) => statements);
  for (const { descriptor, bytes } of [...configs, ...statements]) {
    if (pushes.has(descriptor.digest)) continue;
    pushes.set(descriptor.digest, async (how) => {
      await registry.pushBlob(name, descriptor, () => once(bytes), how);
    });
  }
  return pushes;
}

/** Several at a time. */
async function pushAll(
  pushes: readonly Push[],
  { signal, anew = false }: { readonly signal: AbortSignal; readonly anew?: boolean },
): Promise<void> {
  await using group = new TaskGroup({ limit: uploadsAtOnce, signal });
  await group.all(pushes.map((push) => (task) => push({ signal: task.signal, anew })));
}

/** @param options.parts how to push what the document names, should the registry have lost it */
async function pushDocument(
  document: Document,
  name: Reference,
  tagOrDigest: string,
  { registry, parts, signal }: Pick<ExportContext, "signal"> & { registry: Registry; parts: ReadonlyMap<Digest, Push> },
): Promise<void> {
  await registry.pushManifest(
    name.digest ? withTag(name, tagOrDigest) : name,
    { mediaType: document.descriptor.mediaType, bytes: document.bytes },
    tagOrDigest,
    {
      signal,
      pushAgain: async (digests, task) => {
        const again = digests.flatMap((digest) => parts.get(digest) ?? []);
        await pushAll(again, { signal: task.signal, anew: true });
      },
    },
  );
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

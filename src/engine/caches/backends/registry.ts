import { TaskGroup } from "../../../base/async/mod.ts";
import { BuildError } from "../../../base/errors/mod.ts";
import { formatReference, parseReference, type Reference, repositoryName, withDefaultTag } from "../../../oci/mod.ts";
import type { Registry } from "../../../registry/mod.ts";
import { booleanAttribute, step } from "../../exporters/mod.ts";
import type { CacheAttributes, CacheBackend, CacheContext } from "../backend.ts";
import { cacheDocuments, findCaches, manifestForm, type ManifestPlace } from "../manifest.ts";

/** How many blobs travel at once; the registry client has a bound of its own per host. */
const uploadsAtOnce = 6;

/** `type=registry`: a cache under a name of its own, or inside of an image. */
export const registryBackend: CacheBackend = {
  type: "registry",
  importer: (attributes) => {
    const { reference, insecure } = parse(attributes, "importer");
    return {
      name: formatReference(reference),
      open: async (context) => {
        const registry = context.registry({ insecure });
        const top = await registry.resolve(reference, context);
        return await findCaches(top, placeIn(registry, reference, context), context);
      },
    };
  },
  exporter: (attributes) => {
    const { reference, insecure } = parse(attributes, "exporter");
    const form = manifestForm(attributes);
    return {
      title: "exporting cache to registry",
      export: async (cache, context) => {
        const { signal, progress } = context;
        const registry = context.registry({ insecure });
        const { config, manifest } = cacheDocuments(cache, form);
        await using group = new TaskGroup({ limit: uploadsAtOnce, signal });
        await group.all(
          cache.blobs.map((blob) => async (options) => {
            await step(progress, `writing layer ${blob.descriptor.digest}`, async () => {
              const open = (opening: { signal: AbortSignal }) => blob.open({ ...opening, lend: true });
              await registry.pushBlob(reference, blob.descriptor, open, { ...options, mountFrom: blob.knownIn });
              context.noteKnownIn(blob.descriptor.digest, repositoryName(reference));
            });
          }),
        );
        await step(progress, `writing config ${config.descriptor.digest}`, async () => {
          await registry.pushBlob(reference, config.descriptor, () => once(config.bytes), { signal });
        });
        const what = form.isManifest ? "cache image manifest" : "manifest";
        await step(progress, `writing ${what} ${manifest.descriptor.digest}`, async () => {
          const { mediaType } = manifest.descriptor;
          const tag = reference.tag ?? "latest";
          await registry.pushManifest(reference, { mediaType, bytes: manifest.bytes }, tag, { signal });
        });
        return { "cache.manifest": JSON.stringify(manifest.descriptor) };
      },
    };
  },
};

function parse(
  attributes: CacheAttributes,
  side: "importer" | "exporter",
): { readonly reference: Reference; readonly insecure: boolean } {
  const { ref } = attributes;
  if (!ref) throw new BuildError("invalid_argument", `registry cache ${side} requires ref`);
  const reference = withDefaultTag(parseReference(ref));
  if (side === "exporter" && reference.digest) {
    throw new BuildError(
      "invalid_argument",
      `cannot export a cache to ${ref}: a name with a digest cannot be given anew`,
    );
  }
  return { reference, insecure: booleanAttribute(attributes, "registry.insecure", false) };
}

function placeIn(registry: Registry, reference: Reference, context: CacheContext): ManifestPlace {
  return {
    repository: repositoryName(reference),
    isReachable: context.isClientThere,
    has: (blob, options) => registry.hasBlob(reference, blob.digest, options),
    fetch: (blob, options) => registry.fetchBlob(reference, blob, options),
    document: (descriptor) => registry.fetchManifest(reference, descriptor, context),
  };
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

import { BuildError } from "../../../base/errors/mod.ts";
import { formatReference, parseReference, type Reference, repositoryName, withDefaultTag } from "../../../oci/mod.ts";
import type { Registry } from "../../../registry/mod.ts";
import { booleanAttribute } from "../../exporters/mod.ts";
import type { CacheAttributes, CacheBackend, CacheContext } from "../backend.ts";
import { findCaches, manifestForm, type ManifestPlace } from "../manifest.ts";
import { inContext } from "../objects/service-http.ts";
import { type DocumentWriter, writeDocuments } from "../write-documents.ts";

/** `type=registry`: a cache under a name of its own, or inside of an image. */
export const registryBackend: CacheBackend = {
  type: "registry",
  importer: (attributes) => {
    const { reference, insecure } = parse(attributes, "importer");
    return {
      name: formatReference(reference),
      open: async (context) => {
        const registry = context.registry({ insecure });
        const top = await registry
          .resolve(reference, context)
          .catch(inContext("failed to configure registry cache importer"));
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
        const registry = context.registry({ insecure });
        const writer: DocumentWriter = {
          async writeBlob(blob, open, { signal, knownIn }) {
            await registry.pushBlob(reference, blob, open, { signal, mountFrom: knownIn });
            context.noteKnownIn(blob.digest, repositoryName(reference));
          },
          async writeManifest({ mediaType }, bytes, options) {
            await registry.pushManifest(reference, { mediaType, bytes }, reference.tag ?? "latest", options);
          },
        };
        return await writeDocuments(cache, form, writer, context);
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

import { BuildError } from "../../../base/errors/mod.ts";
import type { ContentStore } from "../../../content/mod.ts";
import { collectBytes, formatReference, manifestLimitBytes, verified } from "../../../oci/mod.ts";
import { clientBlobs, type SessionCaller } from "../../../session/mod.ts";
import { type ImageDocuments, ImageResolver } from "../image/resolver.ts";

/** The images of an OCI layout that a client offers. Each is named by its digest. */
export interface LayoutImages {
  readonly images: ImageResolver;
  readonly documents: ImageDocuments;
  /** Whether the client is still there. */
  readonly isReachable: () => boolean;
}

/** @param store name under which the client offers the layout */
export function layoutImages(caller: SessionCaller, store: string, content: ContentStore): LayoutImages {
  const blobs = clientBlobs(caller, `oci:${store}`);
  const documents: ImageDocuments = {
    resolve: async (reference) => {
      const { digest } = reference;
      const info = digest && (await blobs.info(digest));
      if (!digest || !info) {
        throw new BuildError("not_found", `${formatReference(reference)}: not found in the OCI layout of the client`);
      }
      return { mediaType: "", digest, size: info.size };
    },
    fetchManifest: (_reference, descriptor, { signal }) =>
      collectBytes(verified(blobs.read(descriptor.digest, { signal }), descriptor), { limitBytes: manifestLimitBytes }),
    fetchBlob: (_reference, descriptor, { signal }) => verified(blobs.read(descriptor.digest, { signal }), descriptor),
  };
  const isReachable = () => !caller.closed.aborted;
  return { images: new ImageResolver({ registry: documents, content }), documents, isReachable };
}

import { BuildError } from "../../../base/errors/mod.ts";
import { digestHex, formatReference } from "../../../oci/mod.ts";
import type { Source } from "../../ops/mod.ts";
import type { RefStore } from "../../refs/mod.ts";
import type { SourceEnvironment } from "../environment.ts";
import { download } from "../single-file/download.ts";
import { readFileAttributes } from "../single-file/file-attributes.ts";
import { treeOfFile } from "../single-file/tree-of-file.ts";
import { parseBlobLocator } from "./blob-locator.ts";
import { openBlob } from "./open-blob.ts";

/**
 * `docker-image+blob://` and `oci-layout+blob://`: one blob as a file, from a registry's repository or from a layout that a client offers.
 * Recognised by its digest, without asking anybody.
 * @param options.root where blobs lie while they are fetched
 */
export function blobSources(options: {
  readonly refs: RefStore;
  readonly root: string;
}): readonly Source<SourceEnvironment>[] {
  const { refs, root } = options;
  return ["docker-image+blob", "oci-layout+blob"].map((scheme) => ({
    scheme,
    open: ({ identifier, attrs }) => {
      const locator = parseBlobLocator(identifier);
      const { "oci.session": session, "oci.store": store = "" } = attrs;
      const isLocal = scheme === "oci-layout+blob";
      if (isLocal && store === "") {
        throw new BuildError("invalid_argument", "oci-layout blob source requires store id");
      }
      const attributes = readFileAttributes(identifier, attrs);
      const { digest } = locator;
      const filename = attributes.filename ?? digestHex(digest);
      return {
        cacheMap: () =>
          Promise.resolve({
            key: `blob:${JSON.stringify({ ...attributes, filename, digest })}`,
            material: () => ({ type: "blob", ref: formatReference(locator.reference), digest, isLocal }),
          }),
        run: async ({ environment, signal, progress }) => {
          const incoming = await openBlob(locator, { session, store }, environment, signal);
          await using file = await download(root, incoming, { id: `downloading ${digest}`, signal, progress });
          const toc = treeOfFile(file, attributes, { filename, modifiedSec: 0 });
          const empty = refs.scratch();
          try {
            const description = `blob ${formatReference(locator.reference)}`;
            return (await refs.writeLayer(empty, toc, { signal, description })).ref;
          } finally {
            await empty.release();
          }
        },
      };
    },
  }));
}

import { BuildError } from "../../../base/errors/mod.ts";
import { collectBytes, digestOf, manifestLimitBytes, parseDigest, verified } from "../../../oci/mod.ts";
import { clientBlobs, clientStore } from "../../../session/mod.ts";
import type { CacheBackend } from "../backend.ts";
import { findCaches, manifestForm } from "../manifest.ts";
import { type DocumentWriter, once, writeDocuments } from "../write-documents.ts";

/** `type=local`: an OCI layout on the client's machine, which the client offers as a content store; it keeps the layout's index itself. */
export const localBackend: CacheBackend = {
  type: "local",
  importer: ({ src, digest: given }) => {
    if (!src) throw new BuildError("invalid_argument", "local cache importer requires src");
    if (!given) throw new BuildError("invalid_argument", "local cache importer requires explicit digest");
    const digest = parseDigest(given);
    return {
      name: `local:${BigInt(`0x${digestOf(`${src} ${digest}`).slice(7, 23)}`)}`,
      open: async (context) => {
        const { signal } = context;
        const caller = await context.session();
        const blobs = clientBlobs(caller, `local:${src}`);
        const info = await blobs.info(digest);
        if (!info) throw new BuildError("not_found", `content ${digest}: not found in the client's ${src}`);
        const top = { mediaType: "", digest, size: info.size };
        const place = {
          isReachable: () => !caller.closed.aborted,
          has: async (blob: { readonly digest: typeof digest }) => (await blobs.info(blob.digest)) !== undefined,
          fetch: (blob: { readonly digest: typeof digest; readonly size: number }, options: { signal: AbortSignal }) =>
            verified(blobs.read(blob.digest, options), blob),
          document: async (blob: { readonly digest: typeof digest; readonly size: number }) =>
            await collectBytes(verified(blobs.read(blob.digest, { signal }), blob), { limitBytes: manifestLimitBytes }),
        };
        return await findCaches(top, place, { signal });
      },
    };
  },
  exporter: (attributes) => {
    const { dest } = attributes;
    if (!dest) throw new BuildError("invalid_argument", "local cache exporter requires dest");
    const form = manifestForm(attributes);
    return {
      title: "exporting cache to client directory",
      export: async (cache, context) => {
        const store = clientStore(await context.session(), `local:${dest}`);
        const writer: DocumentWriter = {
          writeBlob: (blob, open, options) => store.write(blob, open(options), options),
          writeManifest: (blob, bytes, options) => store.write(blob, once(bytes), options),
        };
        return await writeDocuments(cache, form, writer, context);
      },
    };
  },
};

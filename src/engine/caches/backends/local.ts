import { TaskGroup } from "../../../base/async/mod.ts";
import { BuildError } from "../../../base/errors/mod.ts";
import { collectBytes, digestOf, manifestLimitBytes, parseDigest, verified } from "../../../oci/mod.ts";
import { clientBlobs, clientStore } from "../../../session/mod.ts";
import { step } from "../../exporters/mod.ts";
import type { CacheBackend } from "../backend.ts";
import { cacheDocuments, findCaches, manifestForm } from "../manifest.ts";

/** How many blobs travel at once, over the one connection to the client. */
const transfersAtOnce = 4;

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
        const { signal, progress } = context;
        const store = clientStore(await context.session(), `local:${dest}`);
        const { config, manifest } = cacheDocuments(cache, form);
        await using group = new TaskGroup({ limit: transfersAtOnce, signal });
        await group.all(
          cache.blobs.map(({ descriptor, open }) => async (options) => {
            await step(progress, `writing layer ${descriptor.digest}`, async () => {
              await store.write(descriptor, open({ ...options, lend: true }), options);
            });
          }),
        );
        await step(progress, `writing config ${config.descriptor.digest}`, async () => {
          await store.write(config.descriptor, once(config.bytes), { signal });
        });
        const what = form.isManifest ? "cache image manifest" : "manifest";
        await step(progress, `writing ${what} ${manifest.descriptor.digest}`, async () => {
          await store.write(manifest.descriptor, once(manifest.bytes), { signal });
        });
        return { "cache.manifest": JSON.stringify(manifest.descriptor) };
      },
    };
  },
};

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

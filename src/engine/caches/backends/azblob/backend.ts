import { Semaphore } from "../../../../base/async/mod.ts";
import { BuildError } from "../../../../base/errors/mod.ts";
import type { BlobPlace, CacheAttributes, CacheBackend, CacheContext } from "../../backend.ts";
import { cacheConfigLimitBytes } from "../../config/cache-config.ts";
import { annotatedCache, importName, writeAnnotatedCache } from "../../objects/annotated-cache.ts";
import { BlockBlobs, withQuery } from "../../objects/block-blobs.ts";
import { inContext, ServiceHttp } from "../../objects/service-http.ts";
import { type AzblobSettings, azblobSettings, blobUrl } from "./settings.ts";
import { sharedKeySignature } from "./shared-key.ts";

/** How many blobs, and blocks of them, travel at once. */
const uploadsAtOnce = 4;

/** `type=azblob`: blobs in a container of Azure's storage, which is made when it is missing. */
export const azblobBackend: CacheBackend = {
  type: "azblob",
  importer: (attributes) => ({
    name: importName("azblob", attributes),
    open: async (context) => {
      const { blobs, settings } = await openContainer(attributes, context);
      const { signal, isClientThere } = context;
      const lists = await Promise.all(
        settings.names.map((name) =>
          blobs
            .readAll(blobUrl(settings, settings.listPrefix, name), { signal, limitBytes: cacheConfigLimitBytes })
            .catch(inContext(`failed to load cache manifest ${name}`)),
        ),
      );
      const place: BlobPlace = {
        isReachable: isClientThere,
        has: ({ digest }, options) => blobs.exists(blobUrl(settings, settings.blobPrefix, digest), options),
        fetch: ({ digest, size }, options) => {
          const url = blobUrl(settings, settings.blobPrefix, digest);
          return blobs.read(url, { ...options, sizeBytes: size });
        },
      };
      return lists.flatMap((list) => (list ? [annotatedCache(list, place)] : []));
    },
  }),
  exporter: (attributes, env) => {
    azblobSettings(attributes, env);
    return {
      title: "exporting cache to Azure Blob Storage",
      export: async (cache, context) => {
        const { blobs, settings } = await openContainer(attributes, context);
        await writeAnnotatedCache(
          cache,
          { ...context, atOnce: uploadsAtOnce },
          async ({ descriptor: { digest, size }, open }, { signal, writing }) => {
            const url = blobUrl(settings, settings.blobPrefix, digest);
            if (await blobs.exists(url, { signal }).catch(inContext(`failed to check blob ${digest} existence`)))
              return;
            const write = () => blobs.write(url, open({ signal, lend: true }), { signal, sizeBytes: size });
            await writing(() => write().catch(inContext(`failed to upload blob ${digest}`)));
          },
          async (list) => {
            for (const name of settings.names) {
              const url = blobUrl(settings, settings.listPrefix, name);
              await blobs.writeAll(url, list, context).catch(inContext(`error writing manifest ${name}`));
            }
          },
        );
        return {};
      },
    };
  },
};

async function openContainer(
  attributes: CacheAttributes,
  context: CacheContext,
): Promise<{ readonly blobs: BlockBlobs; readonly settings: AzblobSettings }> {
  const settings = azblobSettings(attributes, context.env);
  const { containerUrl, account, key } = settings;
  if (!key && !containerUrl.searchParams.has("sig")) {
    throw new BuildError(
      "unauthenticated",
      "no credentials for azblob cache: give the storage account's key as secret_access_key, or an account_url with a shared access signature",
    );
  }
  const http = new ServiceHttp({
    ...context,
    service: `the storage account ${JSON.stringify(account)}`,
    sign: (request) => (key ? sharedKeySignature(request, { account, key, now: new Date() }) : {}),
    policy: { attempts: 4, baseDelayMs: 800, longestDelayMs: 60_000 },
  });
  const blobs = new BlockBlobs(http, new Semaphore(uploadsAtOnce));
  // Whoever has only a signature for what is in a container may not ask about the container itself.
  if (key) await ensureContainer(blobs, settings, context);
  return { blobs, settings };
}

async function ensureContainer(
  blobs: BlockBlobs,
  { containerUrl, container }: AzblobSettings,
  { signal }: Pick<CacheContext, "signal">,
): Promise<void> {
  const url = withQuery(containerUrl, { restype: "container" });
  const asked = blobs.call({ method: "GET", url, signal }, [200, 404]);
  const response = await asked.catch(inContext(`failed to get properties of cache container ${container}`));
  await response.drop();
  if (response.status === 200) return;
  // Another build may have made it in the meantime: 409.
  const made = blobs.call({ method: "PUT", url, signal }, [201, 409]);
  await (await made.catch(inContext(`failed to create cache container ${container}`))).drop();
}

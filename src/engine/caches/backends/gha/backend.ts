import { Semaphore } from "../../../../base/async/mod.ts";
import { BuildError, isAbort, messageOf } from "../../../../base/errors/mod.ts";
import { log } from "../../../../base/log/mod.ts";
import { collectBytes, type Digest, digestOf } from "../../../../oci/mod.ts";
import type { BlobPlace, CacheAttributes, CacheBackend, CacheContext } from "../../backend.ts";
import { cacheConfigLimitBytes } from "../../config/cache-config.ts";
import { annotatedCache, importName, writeAnnotatedCache } from "../../objects/annotated-cache.ts";
import { BlockBlobs } from "../../objects/block-blobs.ts";
import { inContext, ServiceHttp } from "../../objects/service-http.ts";
import { type ActionsCache, type ActionsEntry, readEntry } from "./actions-cache.ts";
import { ArtifactCache } from "./artifact-cache.ts";
import { listKeys } from "./known-keys.ts";
import { ResultsService } from "./results-service.ts";
import { saveIndex } from "./save-index.ts";
import { type GhaSettings, ghaSettings } from "./settings.ts";
import { type TokenScope, tokenScopes } from "./token.ts";

/** How many blobs travel at once. */
const uploadsAtOnce = 4;
/** How many chunks, or blocks, are in memory at once: chunks of the first API are large. */
const slotsOf = { 1: 2, 2: 4 } as const;
const blobPrefix = "buildkit-blob-1-";

/** `type=gha`: the cache that a job of GitHub Actions has. A branch writes its own, and reads those of the branches it comes from. */
export const ghaBackend: CacheBackend = {
  type: "gha",
  importer: (attributes) => ({
    name: importName("gha", attributes),
    open: async (context) => {
      const { cache, settings, scopes } = openCache(attributes, context);
      const place = blobPlace(cache, context);
      const found = scopes.map(async ({ scope }) => {
        const list = await readIndex(cache, indexKey(settings, scope), context);
        return list ? [annotatedCache(list, place)] : [];
      });
      return (await Promise.all(found)).flat();
    },
  }),
  exporter: (attributes) => {
    ghaSettings(attributes);
    return {
      title: "exporting to GitHub Actions Cache",
      export: async (cached, context) => {
        const { cache, settings, scopes, api } = openCache(attributes, context);
        const known = await knownKeys(api, settings, scopes, context);
        await writeAnnotatedCache(
          cached,
          { ...context, atOnce: uploadsAtOnce },
          async ({ descriptor: { digest, size }, open }, { signal, writing }) => {
            const key = blobPrefix + digest;
            if (known ? known.has(key) : (await cache.find(key, { signal }))?.key === key) return;
            const lent = (options: { signal: AbortSignal }) => open({ ...options, lend: true });
            const write = async () => void (await cache.save(key, lent, { signal, sizeBytes: size }));
            await writing(() => write().catch(inContext("error writing layer blob")));
          },
          async (list) => {
            const scope = scopes.findLast(({ canWrite }) => canWrite)?.scope ?? "";
            await saveIndex(cache, indexKey(settings, scope), list, context);
          },
        );
        return {};
      },
    };
  },
};

interface OpenedCache {
  readonly cache: ActionsCache;
  readonly settings: GhaSettings;
  readonly scopes: readonly TokenScope[];
  /** GitHub's own API, with the token for that. */
  readonly api: ServiceHttp;
}

function openCache(attributes: CacheAttributes, context: CacheContext): OpenedCache {
  const settings = ghaSettings(attributes);
  const { url, version, token, timeoutMs, repository } = settings;
  const scopes = tokenScopes(token, new Date());
  const http = (service: string, bearer: string | undefined) =>
    new ServiceHttp({
      ...context,
      service,
      sign: () => (bearer === undefined ? {} : { authorization: `Bearer ${bearer}` }),
      policy: { attempts: 5, baseDelayMs: 500, longestDelayMs: 60_000 },
      // One that is told to ask less is better not asked by others either.
      sharesPauses: true,
      patienceMs: timeoutMs,
    });
  const job = http("the cache of GitHub Actions", token);
  const storage = http("the storage of GitHub Actions' cache", undefined);
  const slots = new Semaphore(slotsOf[version]);
  return {
    cache:
      version === 1
        ? new ArtifactCache({ url, http: job, storage, slots })
        : new ResultsService({ url, http: job, blobs: new BlockBlobs(storage, slots) }),
    settings,
    scopes,
    api: http("GitHub's API", repository?.token),
  };
}

/** Stands for the part of the repository's cache that a job may write, so that branches do not overwrite each other's. */
function indexKey({ scope }: GhaSettings, written: string): string {
  return `index-${scope}-1-${digestOf(written).slice("sha256:".length).slice(0, 8)}`;
}

async function readIndex(
  cache: ActionsCache,
  key: string,
  { signal }: Pick<CacheContext, "signal">,
): Promise<Uint8Array | undefined> {
  const find = () => cache.find(`${key}#`, { signal });
  let entry = await find();
  if (!entry) return undefined;
  const again = async () => {
    const found = entry ?? (await find());
    entry = undefined;
    if (found) return found;
    throw new BuildError("not_found", `github actions cache: ${key} is gone`);
  };
  return await collectBytes(readEntry(cache, again, { signal }), { limitBytes: cacheConfigLimitBytes });
}

function blobPlace(cache: ActionsCache, { isClientThere }: CacheContext): BlobPlace {
  const entries = new Map<Digest, ActionsEntry>();
  const find = async (digest: Digest, options: { signal: AbortSignal }): Promise<ActionsEntry | undefined> => {
    const key = blobPrefix + digest;
    const found = await cache.find(key, options);
    return found?.key === key ? found : undefined;
  };
  return {
    isReachable: isClientThere,
    has: async ({ digest }, options) => {
      const found = await find(digest, options);
      if (found) entries.set(digest, found);
      return found !== undefined;
    },
    fetch: ({ digest, size }, options) => {
      const locate = async () => {
        // Where it is was learnt a while ago, perhaps: good for the first attempt only.
        const found = entries.get(digest) ?? (await find(digest, options));
        entries.delete(digest);
        if (found) return found;
        throw new BuildError("not_found", `github actions cache: blob ${digest} not found`);
      };
      return readEntry(cache, locate, { ...options, sizeBytes: size });
    },
  };
}

/** All blobs that are there, where the request says how to learn that; what cannot be learnt is asked for one by one. */
async function knownKeys(
  api: ServiceHttp,
  { repository }: GhaSettings,
  scopes: readonly TokenScope[],
  { env, signal }: CacheContext,
): Promise<ReadonlySet<string> | undefined> {
  if (!repository) return undefined;
  const keys = new Set<string>();
  try {
    for (const { scope } of scopes) {
      const where = { api: env["GITHUB_API_URL"] || "https://api.github.com", repository: repository.name };
      for await (const key of listKeys(api, { ...where, scope, prefix: blobPrefix }, { signal })) keys.add(key);
    }
    return keys;
  } catch (error) {
    if (isAbort(error) || signal.aborted) throw error;
    log.warn(`keys of the cache of GitHub Actions could not be listed: ${messageOf(error)}`);
    return undefined;
  }
}

import { isAbort } from "../../base/errors/mod.ts";
import type { Digest } from "../../oci/mod.ts";
import type { Ref, RefStore, RemoteLayer } from "../refs/mod.ts";
import type { CacheSource } from "../solver/mod.ts";
import type { FoundCache, FoundLayer } from "./backend.ts";

/** What {@link importedCache} works with. */
export interface ImportOptions {
  /** As people see it. */
  readonly name: string;
  readonly refs: RefStore;
  /** Whether a blob is on this machine. */
  readonly isHere: (digest: Digest) => Promise<boolean>;
  readonly signal: AbortSignal;
}

/**
 * Results out of caches that others have exported. Whoever looks waits until the caches' lists of contents are there; layers are fetched when something
 * needs their bytes. A result of which a layer is no longer there counts as none.
 * @param opening never rejects: what cannot be imported is empty
 */
export function importedCache(opening: Promise<readonly FoundCache[]>, options: ImportOptions): CacheSource<Ref> {
  const indexing = opening.then((caches) => caches.map((cache) => new Index(cache)));
  const present = new Map<Digest, Promise<boolean>>();
  const isThere = ({ descriptor }: FoundLayer, { place }: FoundCache): Promise<boolean> => {
    let known = present.get(descriptor.digest);
    if (!known) {
      known = options
        .isHere(descriptor.digest)
        .then(async (here) => here || (await place.has(descriptor, { signal: options.signal })))
        .catch((error: unknown) => {
          if (isAbort(error) || options.signal.aborted) throw error;
          return false;
        });
      present.set(descriptor.digest, known);
    }
    return known;
  };
  return {
    name: options.name,
    async load(key) {
      for (const index of await indexing) {
        const layers = index.result(key);
        if (!layers) continue;
        const there = await Promise.all(layers.map((layer) => isThere(layer, index.cache)));
        if (!there.every(Boolean)) continue;
        return await options.refs.fromImage(
          layers.map((layer) => remoteLayer(layer, index.cache)),
          { description: `imported from ${options.name}` },
        );
      }
      return undefined;
    },
    async loadContentKey(key) {
      for (const index of await indexing) {
        const content = index.contentKey(key);
        if (content !== undefined) return content;
      }
      return undefined;
    },
  };
}

function remoteLayer({ descriptor, diffId, createdAt }: FoundLayer, { place }: FoundCache): RemoteLayer {
  return {
    descriptor,
    diffId,
    ...(createdAt ? { createdAt } : {}),
    fetch: (options) => place.fetch(descriptor, options),
    isReachable: () => place.isReachable(),
    ...(place.repository === undefined ? {} : { repository: place.repository }),
  };
}

/** A cache's records by key. */
class Index {
  readonly cache: FoundCache;
  readonly #results = new Map<Digest, readonly number[]>();
  readonly #contentKeys = new Map<Digest, Digest>();

  constructor(cache: FoundCache) {
    this.cache = cache;
    const { records } = cache.config;
    for (const { digest, results, links } of records) {
      const [first] = results;
      if (first && !this.#results.has(digest)) this.#results.set(digest, first);
      for (const link of links) {
        const name = records[link]?.digest;
        if (name !== undefined) this.#contentKeys.set(name, digest);
      }
    }
  }

  /** The layers of a result, base first, where all of them are known. */
  result(key: Digest): readonly FoundLayer[] | undefined {
    const { config, layers } = this.cache;
    const found = this.#results.get(key)?.map((index) => layers.get(config.layers[index]?.blob ?? ("" as Digest)));
    return found?.every((layer) => layer !== undefined) ? found : undefined;
  }

  contentKey(key: Digest): Digest | undefined {
    return this.#contentKeys.get(key);
  }
}

import type { Digest } from "../../oci/mod.ts";
import type { CacheSource, CacheStore, Result } from "./op.ts";

/**
 * The cache as one job sees it: the solver's own, then what the job was told to consult, in that order. What is found there is remembered in
 * the solver's own.
 */
export class JobCache<R extends Result> implements CacheStore<R> {
  readonly #store: CacheStore<R>;
  readonly #sources: CacheSource<R>[] = [];

  constructor(store: CacheStore<R>) {
    this.#store = store;
  }

  /** Looks there, too, from now on. */
  consult(source: CacheSource<R>): void {
    this.#sources.push(source);
  }

  async load(key: Digest): Promise<R | undefined> {
    const own = await this.#store.load(key);
    if (own) return own;
    for (const source of this.#sources) {
      const found = await source.load(key);
      if (!found) continue;
      await this.#store.store(key, found, { description: source.name });
      return found;
    }
    return undefined;
  }

  async store(key: Digest, result: R, info: { readonly description: string }): Promise<void> {
    await this.#store.store(key, result, info);
  }

  async loadContentKey(key: Digest): Promise<Digest | undefined> {
    const own = await this.#store.loadContentKey?.(key);
    if (own !== undefined) return own;
    for (const source of this.#sources) {
      const found = await source.loadContentKey(key);
      if (found === undefined) continue;
      await this.#store.storeContentKey?.(key, found);
      return found;
    }
    return undefined;
  }

  async storeContentKey(key: Digest, contentKey: Digest): Promise<void> {
    await this.#store.storeContentKey?.(key, contentKey);
  }
}

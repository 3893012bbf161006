import { BuildError, isAbort, messageOf } from "../../base/errors/mod.ts";
import { digestOf } from "../../oci/mod.ts";
import { Transport } from "../../registry/mod.ts";
import {
  type CacheContext,
  type CacheEntry,
  type CacheExports,
  type CollectedCache,
  collectCache,
  encodeInlineCache,
  entryKey,
  type FoundCache,
  importedCache,
  openCacheImporter,
} from "../caches/mod.ts";
import { step } from "../exporters/mod.ts";
import type { Compression, Ref } from "../refs/mod.ts";
import type { Build } from "./build.ts";
import type { ResultEdge } from "./lazy-result.ts";

/** The caches that a build consults, and those that it leaves behind. */
export class BuildCaches {
  readonly #build: Build;
  readonly #consulted = new Set<string>();
  readonly #transport: Transport;

  constructor(build: Build) {
    this.#build = build;
    this.#transport = new Transport(build.deps.env);
  }

  /**
   * Looks for results in these caches, too, each once. Begins to fetch their lists of contents; one that cannot be had is told as a failed step, and
   * does the build no harm.
   * @throws {BuildError} for entries that make no sense
   */
  consult(entries: readonly CacheEntry[]): void {
    for (const entry of entries) {
      const key = entryKey(entry);
      if (this.#consulted.has(key)) continue;
      const importer = openCacheImporter(entry);
      this.#consulted.add(key);
      const { job, deps } = this.#build;
      const { content, refs } = deps.worker;
      const { name, open } = importer;
      job.consult(
        importedCache(this.#open(key, name, open), {
          name,
          refs,
          isHere: (digest) => content.has(digest),
          signal: job.signal,
        }),
      );
    }
  }

  async #open(
    key: string,
    name: string,
    open: (context: CacheContext) => Promise<readonly FoundCache[]>,
  ): Promise<readonly FoundCache[]> {
    const { job } = this.#build;
    const title = `importing cache manifest from ${name}`;
    const handle = job.progressFor({ digest: digestOf(`import ${key}`), name: title });
    handle.start();
    try {
      const found = await open(this.#context());
      handle.complete();
      return found;
    } catch (error) {
      if (!isAbort(error) && !job.signal.aborted) handle.error(error);
      return [];
    }
  }

  /**
   * Writes the caches that were asked for, all at once.
   * @returns what the client is told, for instance `cache.manifest`
   * @throws {BuildError} the first failure of those that may not fail
   */
  async export(
    { exporters }: CacheExports,
    results: readonly Ref[],
    edges: readonly ResultEdge[],
  ): Promise<Readonly<Record<string, string>>> {
    const { job, sessionId } = this.#build;
    const outcomes = await Promise.allSettled(
      exporters.map(async ({ exporter, mode, compression, force, ignoreError }, index) => {
        const name = exporter.title;
        const handle = job.progressFor({ digest: digestOf(`${sessionId}-cache-${index}`), name });
        handle.start();
        try {
          const cache = await step(handle, "preparing build cache for export", () =>
            this.#collect(edges, { results, mode, compression, force }),
          );
          if (cache.blobs.length === 0) {
            await step(handle, "skipping cache export for empty result", () => undefined);
            handle.complete();
            return {};
          }
          const response = await step(handle, "sending cache export", () =>
            exporter.export(cache, { ...this.#context(), progress: handle }),
          );
          handle.complete();
          return response;
        } catch (error) {
          handle.error(error);
          if (ignoreError && !job.signal.aborted) return {};
          throw error;
        }
      }),
    );
    let response: Readonly<Record<string, string>> = {};
    for (const outcome of outcomes) {
      if (outcome.status === "rejected") throw outcome.reason;
      response = { ...response, ...outcome.value };
    }
    return response;
  }

  /** What an image's config has to say of the cache: `undefined` when nothing of it could be used. */
  async inline(
    result: Ref,
    edge: ResultEdge,
    how: { readonly compression: Compression; readonly force: boolean },
  ): Promise<string | undefined> {
    const cache = await this.#collect([edge], { results: [result], mode: "min", ...how });
    if (cache.blobs.length === 0) return undefined;
    const image = await result.blobs({ signal: this.#build.job.signal, ...how });
    return encodeInlineCache(
      cache,
      image.map(({ descriptor }) => descriptor.digest),
    );
  }

  async #collect(
    edges: readonly ResultEdge[],
    how: {
      readonly results: readonly Ref[];
      readonly mode: "min" | "max";
      readonly compression: Compression;
      readonly force: boolean;
    },
  ): Promise<CollectedCache> {
    const { job, deps } = this.#build;
    const records = await job.records(edges);
    return await collectCache(records, { ...how, refs: deps.worker.refs, signal: job.signal });
  }

  #context(): CacheContext {
    const { environment, job, deps } = this.#build;
    const { signal } = job;
    return {
      signal,
      registry: this.#build.registry,
      transport: this.#transport,
      hosts: deps.hosts,
      env: deps.env,
      session: async () => await environment.session(undefined, { signal }),
      isClientThere: environment.isClientThere,
      noteKnownIn: (digest, repository) => deps.worker.refs.noteKnownIn(digest, repository),
    };
  }
}

function parseImports(json: string): readonly CacheEntry[] {
  try {
    const entries = JSON.parse(json) as readonly Partial<CacheEntry>[];
    return entries.map(({ Type = "", Attrs }) => ({ Type, Attrs: Attrs ?? {} }));
  } catch (cause) {
    const message = `failed to unmarshal cache-imports (${JSON.stringify(json)}): ${messageOf(cause)}`;
    throw new BuildError("invalid_argument", message, { cause });
  }
}

/**
 * The imports that a frontend's attributes speak of: `cache-imports` is what clients send now, `cache-from` what they sent once.
 * @throws {BuildError} `invalid_argument`
 */
export function importsOfAttributes(attributes: Readonly<Record<string, string>>): readonly CacheEntry[] {
  const { "cache-imports": json, "cache-from": references } = attributes;
  if (json) return parseImports(json);
  return (references ?? "")
    .split(",")
    .filter((ref) => ref !== "")
    .map((ref) => ({ Type: "registry", Attrs: { ref } }));
}

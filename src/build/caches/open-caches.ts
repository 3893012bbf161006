import { resolve } from "node:path";
import { BuildError } from "../../base/errors/mod.ts";
import { parseGoBool } from "../../base/text/go-values/mod.ts";
import type { BlobReader, ContentStore, LayoutDirectory } from "../../content/mod.ts";
import { CloudCaches } from "./cloud-caches.ts";
import { findCacheIn, openCacheDirectory, parseManifestOf } from "./local-directory.ts";
import { type CacheEntry, parseCache } from "./parse-cache.ts";

/** The caches of a build: what the request says of them, and what the session offers for them. */
export interface BuildCaches {
  readonly imports: readonly CacheEntry[];
  readonly exports: readonly CacheEntry[];
  /** Directories that are read, by the id under which the engine asks for them. */
  readonly readable: Readonly<Record<string, BlobReader>>;
  /** Directories that are written to, in the same way. */
  readonly writable: Readonly<Record<string, ContentStore>>;
  /** What people should know: caches that are not there. */
  readonly warnings: readonly string[];
  /** Records in the directories what the engine has written there. @param response what the engine says of the build */
  finish(response: Readonly<Record<string, string>>): Promise<void>;
}

/** The frontend passes on what it is told of caches. */
export function cacheAttrs({ imports }: Pick<BuildCaches, "imports">): Readonly<Record<string, string>> {
  if (imports.length === 0) return {};
  return { "cache-imports": JSON.stringify(imports.map(({ type, attrs }) => ({ Type: type, Attrs: attrs }))) };
}

/** What people say about caches, as typed. */
export interface CacheWishes {
  readonly cacheFrom: readonly string[];
  readonly cacheTo: readonly string[];
  /** `K=V`: `BUILDKIT_INLINE_CACHE` asks for a cache inside of the image. */
  readonly buildArgs: readonly string[];
}

/**
 * Checks what is said of caches, and opens the directories among them.
 * @throws {BuildError} `invalid_argument`, with docker buildx's words
 */
export async function openCaches(
  wishes: CacheWishes,
  { cwd, env }: { readonly cwd: string; readonly env: Readonly<Record<string, string | undefined>> },
): Promise<BuildCaches> {
  const cloud = new CloudCaches(env);
  const wanted = await cloud.complete(wishes.cacheTo.flatMap(parseCache));
  const wantedImports = await cloud.complete(wishes.cacheFrom.flatMap(parseCache));
  const isInline = wishes.buildArgs.some(
    (arg) => arg.startsWith("BUILDKIT_INLINE_CACHE=") && parseGoBool(arg.slice(arg.indexOf("=") + 1)) === true,
  );
  const exports = isInline ? [...wanted, { type: "inline", attrs: {} }] : wanted;
  const directories: { readonly directory: LayoutDirectory; readonly tag: string; readonly reset: boolean }[] = [];
  const writable: Record<string, ContentStore> = {};
  for (const { type, attrs } of exports) {
    if (type !== "local") continue;
    if (!attrs["dest"]) throw new BuildError("invalid_argument", "local cache exporter requires dest");
    const directory = await openCacheDirectory(resolve(cwd, attrs["dest"]));
    writable[`local:${attrs["dest"]}`] = directory.store;
    const reset = attrs["reset"] !== undefined && parseGoBool(attrs["reset"]) === true;
    directories.push({ directory, tag: attrs["tag"] || "latest", reset });
  }
  const { warnings, ...opened } = await openImports(wantedImports, cwd);
  return {
    ...opened,
    warnings: [...cloud.warnings, ...warnings],
    exports,
    writable,
    async finish({ "cache.manifest": manifest }) {
      if (manifest === undefined) return;
      for (const { directory, tag, reset } of directories) {
        await directory.put(parseManifestOf(manifest), [{ tag }]);
        if (reset) await directory.removeOthers();
      }
    },
  };
}

async function openImports(
  wanted: readonly CacheEntry[],
  cwd: string,
): Promise<Pick<BuildCaches, "imports" | "readable" | "warnings">> {
  const imports: CacheEntry[] = [];
  const readable: Record<string, BlobReader> = {};
  const warnings: string[] = [];
  for (const entry of wanted) {
    if (entry.type !== "local") {
      imports.push(entry);
      continue;
    }
    const { src, digest, tag } = entry.attrs;
    if (!src) throw new BuildError("invalid_argument", "local cache importer requires src");
    const how = { src, ...(digest && { digest }), ...(tag && { tag }) };
    const found = await findCacheIn(resolve(cwd, src), how);
    if ("missing" in found) {
      warnings.push(found.missing);
    } else {
      readable[`local:${src}`] = found.blobs;
      imports.push({ type: "local", attrs: { ...entry.attrs, digest: found.digest } });
    }
  }
  return { imports, readable, warnings };
}

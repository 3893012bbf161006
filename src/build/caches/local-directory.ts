import { randomBytes } from "node:crypto";
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { BuildError, messageOf } from "../../base/errors/mod.ts";
import { type BlobReader, type ContentStore, openDirectoryStore, openOciLayout } from "../../content/mod.ts";
import {
  decodeDescriptor,
  decodeIndex,
  decodeImageDocument,
  type Descriptor,
  descriptorToJson,
  type Digest,
  type ImageIndex,
} from "../../oci/mod.ts";

const refName = "org.opencontainers.image.ref.name";

/** A directory that a cache is taken from. */
export interface FoundDirectory {
  readonly blobs: BlobReader;
  /** Of the cache's manifest. */
  readonly digest: string;
}

/**
 * Opens an OCI layout that has a cache under a tag.
 * @returns why there is nothing to be had, where that is so: a cache that is missing is no mistake
 */
export async function findCacheIn(
  directory: string,
  { src, digest, tag = "latest" }: { readonly src: string; readonly digest?: string; readonly tag?: string },
): Promise<FoundDirectory | { readonly missing: string }> {
  let layout;
  try {
    layout = await openOciLayout(directory);
  } catch (error) {
    return { missing: `local cache import at ${src} not found due to err: ${messageOf(error)}` };
  }
  if (digest !== undefined) return { blobs: layout, digest };
  const found = layout.index.manifests.find(({ annotations }) => annotations?.[refName] === tag);
  if (found) return { blobs: layout, digest: found.digest };
  return { missing: `local cache import at ${src} skipped: no digest found for tag ${JSON.stringify(tag)}` };
}

/** A directory that a cache is written to, as an OCI layout. */
export class CacheDirectory {
  readonly #directory: string;
  readonly store: ContentStore;

  private constructor(directory: string, store: ContentStore) {
    this.#directory = directory;
    this.store = store;
  }

  /** Makes the directory where it is missing. @throws {BuildError} why it cannot be written to */
  static async open(directory: string): Promise<CacheDirectory> {
    try {
      await mkdir(directory, { recursive: true });
      return new CacheDirectory(directory, await openDirectoryStore(directory));
    } catch (cause) {
      throw new BuildError("failed_precondition", `cannot write a cache to ${directory}: ${messageOf(cause)}`, {
        cause,
      });
    }
  }

  /** Records the cache under its tag, in place of what had the tag before. */
  async tag(manifest: Descriptor, tag: string): Promise<void> {
    const { manifests } = await this.#index();
    const rest = manifests.filter(({ annotations }) => annotations?.[refName] !== tag);
    const tagged = { ...manifest, annotations: { ...manifest.annotations, [refName]: tag } };
    const index = {
      schemaVersion: 2,
      mediaType: "application/vnd.oci.image.index.v1+json",
      manifests: [...rest, tagged].map(descriptorToJson),
    };
    await this.#replace("oci-layout", '{"imageLayoutVersion":"1.0.0"}');
    await this.#replace("index.json", JSON.stringify(index));
  }

  /** Deletes the blobs that no tag leads to. */
  async removeOthers(): Promise<void> {
    const needed = new Set<Digest>();
    for (const { digest } of (await this.#index()).manifests) {
      needed.add(digest);
      for (const named of await this.#namedBy(digest)) needed.add(named);
    }
    for await (const { digest } of this.store.list()) if (!needed.has(digest)) await this.store.remove(digest);
  }

  async #namedBy(digest: Digest): Promise<readonly Digest[]> {
    if (!(await this.store.has(digest))) return [];
    const document = decodeImageDocument(await readFile(this.store.path(digest)));
    const named =
      document.type === "manifest" ? [document.manifest.config, ...document.manifest.layers] : document.index.manifests;
    return named.map((descriptor) => descriptor.digest);
  }

  async #index(): Promise<Pick<ImageIndex, "manifests">> {
    const bytes = await readFile(join(this.#directory, "index.json")).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== "ENOENT") throw error;
    });
    return bytes ? decodeIndex(bytes) : { manifests: [] };
  }

  async #replace(name: string, text: string): Promise<void> {
    const temporary = join(this.#directory, "ingest", `${name}.${randomBytes(9).toString("hex")}`);
    await writeFile(temporary, text);
    await rename(temporary, join(this.#directory, name));
  }
}

/** What an engine says of a cache that it has written. @throws {BuildError} when it is no descriptor */
export function parseManifestOf(response: string): Descriptor {
  return decodeDescriptor(JSON.parse(response), "cache.manifest");
}

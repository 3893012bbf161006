import { BuildError, messageOf } from "../../base/errors/mod.ts";
import { type BlobReader, LayoutDirectory, openOciLayout } from "../../content/mod.ts";
import { decodeDescriptor, type Descriptor } from "../../oci/mod.ts";

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

/** Opens a directory that a cache is written to. @throws {BuildError} why it cannot be */
export async function openCacheDirectory(directory: string): Promise<LayoutDirectory> {
  return await LayoutDirectory.open(directory).catch((cause: unknown) => {
    throw new BuildError("failed_precondition", `cannot write a cache to ${directory}: ${messageOf(cause)}`, { cause });
  });
}

/** What an engine says of a cache that it has written. @throws {BuildError} when it is no descriptor */
export function parseManifestOf(response: string): Descriptor {
  return decodeDescriptor(JSON.parse(response), "cache.manifest");
}

import { type Digest, formatReference, type Reference, repositoryName } from "../../oci/mod.ts";
import type { Registry } from "../../registry/mod.ts";
import { Copier } from "../create/copier.ts";
import { listDocument, refuseWithoutPlatform } from "./document.ts";
import type { ListEntry } from "./entry.ts";

/**
 * Pushes a list: entries of other repositories are brought into the list's repository first, mounted where the registry does that.
 * @param options.onEntry told of each entry that was brought, with the name that it has now
 * @returns the list's digest
 */
export async function pushManifestList(
  registry: Registry,
  list: Reference,
  entries: readonly ListEntry[],
  options: { readonly onEntry?: (name: string, digest: Digest) => void; readonly signal: AbortSignal },
): Promise<Digest> {
  refuseWithoutPlatform(entries);
  const document = listDocument(list, entries);
  const copier = new Copier(registry, list);
  for (const { reference, descriptor, manifest, bytes } of entries) {
    if (repositoryName(reference) === repositoryName(list)) continue;
    const { digest, mediaType } = descriptor;
    await copier.copyBlobs(reference, [manifest.config, ...manifest.layers], options);
    await registry.pushManifest(list, { mediaType, bytes }, digest, options);
    options.onEntry?.(formatReference({ registry: list.registry, repository: list.repository, digest }), digest);
  }
  const { digest } = await registry.pushManifest(list, document, list.tag ?? (list.digest as Digest), options);
  return digest;
}

import { type Descriptor, type Digest, formatReference, type Reference, repositoryName } from "../../oci/mod.ts";
import { ManifestRefusedError, type Registry } from "../../registry/mod.ts";
import { Copier } from "../create/copier.ts";
import { inDockerFormat } from "../create/docker-format.ts";
import type { PushedCompatibly } from "../create/push-compatibly.ts";
import { listDocument, listOf, refuseWithoutPlatform } from "./document.ts";
import type { ListEntry } from "./entry.ts";

/** What {@link pushManifestList} is told. */
interface PushListOptions {
  /** Told of each entry that was brought, with the name that it has now. */
  readonly onEntry?: (name: string, digest: Digest) => void;
  readonly signal: AbortSignal;
}

/**
 * Pushes a list: entries of other repositories are brought into the list's repository first, mounted where the registry does that. A registry that does
 * not know OCI's formats gets the list, and what is in it, in Docker's.
 * @throws {BuildError} what the registry said at first, when that does not help
 */
export async function pushManifestList(
  registry: Registry,
  list: Reference,
  entries: readonly ListEntry[],
  options: PushListOptions,
): Promise<PushedCompatibly> {
  refuseWithoutPlatform(entries);
  try {
    return { descriptor: await push(registry, list, entries, options) };
  } catch (error) {
    if (!(error instanceof ManifestRefusedError)) throw error;
    const changed = await pushInDockerFormat(registry, list, entries, options).catch((again: unknown) => {
      options.signal.throwIfAborted();
      void again; // It was not the format: what the registry said first tells more.
    });
    if (!changed) throw error;
    const change = { format: true, attestations: false, annotations: changed.lostAnnotations };
    return { descriptor: changed.descriptor, changed: { refused: error, change } };
  }
}

async function push(
  registry: Registry,
  list: Reference,
  entries: readonly ListEntry[],
  { onEntry, signal }: PushListOptions,
): Promise<Descriptor> {
  const document = listDocument(list, entries);
  const copier = new Copier(registry, list);
  for (const { reference, descriptor, manifest, bytes } of entries) {
    if (repositoryName(reference) === repositoryName(list)) continue;
    await copier.copy({ reference, descriptor, made: { bytes, manifest } }, { signal });
    const { digest } = descriptor;
    onEntry?.(formatReference({ registry: list.registry, repository: list.repository, digest }), digest);
  }
  return await registry.pushManifest(list, document, list.tag ?? (list.digest as Digest), { signal });
}

async function pushInDockerFormat(
  registry: Registry,
  list: Reference,
  entries: readonly ListEntry[],
  { onEntry, signal }: PushListOptions,
): Promise<{ readonly descriptor: Descriptor; readonly lostAnnotations: boolean } | undefined> {
  // A digest that was asked for is that of the other format.
  if (list.digest !== undefined) return undefined;
  const found = await inDockerFormat(registry, entries, { signal });
  if (!found) return undefined;
  const copier = new Copier(registry, list);
  for (const source of found.manifests) {
    const { digest } = source.descriptor;
    await copier.copy(source, { signal });
    onEntry?.(formatReference({ registry: list.registry, repository: list.repository, digest }), digest);
  }
  const document = listOf(found.manifests.map(({ descriptor }) => descriptor));
  const descriptor = await registry.pushManifest(list, document, list.tag ?? "latest", { signal });
  return { descriptor, lostAnnotations: found.lostAnnotations };
}

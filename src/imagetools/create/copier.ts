import { SingleFlight, TaskGroup } from "../../base/async/mod.ts";
import {
  decodeImageDocument,
  type Descriptor,
  type Digest,
  encodeIndex,
  createIndex,
  isIndexType,
  isManifestType,
  mediaTypes,
  parseLayerMediaType,
  type Reference,
  repositoryName,
} from "../../oci/mod.ts";
import { type Registry, referrersTag } from "../../registry/mod.ts";
import type { Source } from "./source.ts";

/** Documents that belong to an image though it does not name them: they name it. */
const companions: ReadonlySet<string> = new Set([
  mediaTypes.attestationManifest,
  "application/vnd.dev.cosign.artifact.sig.v1+json",
  "application/vnd.dev.sigstore.bundle.v0.3+json",
]);

/** How many blobs and manifests of one image are under way at once; the registry client has limits of its own per host. */
const parallel = 8;
/** Deeper nesting of indexes is no image. */
const depthLimit = 8;

/**
 * Copies manifests with all that they name into one repository, each thing once. What is there already is not sent again; what another
 * repository of the same registry has is mounted.
 */
export class Copier {
  readonly #registry: Registry;
  readonly #target: Reference;
  readonly #companions: boolean;
  readonly #flights = new SingleFlight<Digest, void>();
  readonly #done = new Set<Digest>();

  /** @param options.companions whether to bring along what says something about a manifest; `true` when left out */
  constructor(registry: Registry, target: Reference, { companions = true } = {}) {
    this.#registry = registry;
    this.#companions = companions;
    this.#target = { registry: target.registry, repository: target.repository };
  }

  /** Copies a manifest or index, what it names, and what says something about it. Only what was made here is new where source and target are one repository. */
  async copy({ reference, descriptor, made }: Source, options: { signal: AbortSignal }): Promise<void> {
    if (made) {
      const { mediaType, digest } = descriptor;
      await this.copyBlobs(reference, [made.manifest.config, ...made.manifest.layers], options);
      const blobs = [made.manifest.config, ...made.manifest.layers];
      await this.#registry.pushManifest(this.#target, { mediaType, bytes: made.bytes }, digest, {
        ...options,
        pushAgain: (lost, task) => this.copyBlobs(reference, only(blobs, lost), { ...task, anew: true }),
      });
    } else if (repositoryName(reference) !== repositoryName(this.#target)) {
      await this.#copyDocument(reference, descriptor, 0, options);
    }
  }

  /** Has {@link copy} look again whether these are there. */
  forget(digests: readonly Digest[]): void {
    for (const digest of digests) this.#done.delete(digest);
  }

  /** Copies what a manifest names: its config and layers. @param options.anew also what the target says that it has */
  async copyBlobs(
    from: Reference,
    blobs: readonly Descriptor[],
    { signal, anew = false }: { readonly signal: AbortSignal; readonly anew?: boolean },
  ): Promise<void> {
    if (repositoryName(from) === repositoryName(this.#target)) return;
    if (anew) this.forget(blobs.map(({ digest }) => digest));
    await using group = new TaskGroup({ limit: parallel, signal });
    await group.all(
      blobs
        .filter((blob) => !mustStay(blob))
        .map(
          (blob) =>
            ({ signal }) =>
              this.#once(blob.digest, { signal }, (signal) => this.#copyBlob(from, blob, { signal, anew })),
        ),
    );
  }

  async #copyDocument(
    from: Reference,
    descriptor: Descriptor,
    depth: number,
    options: { signal: AbortSignal },
  ): Promise<void> {
    if (depth > depthLimit) throw new Error(`indexes are nested more than ${depthLimit} deep`);
    await this.#once(descriptor.digest, options, async (signal) => {
      if (!(await this.#registry.hasManifest(this.#target, descriptor.digest, { signal }))) {
        const bytes = await this.#registry.fetchManifest(from, descriptor, { signal });
        const document = decodeImageDocument(bytes, descriptor.mediaType);
        const { mediaType, digest } = descriptor;
        const copyParts = async (lost: readonly Digest[] | undefined, task: { signal: AbortSignal }) => {
          if (document.type === "index") {
            this.forget(lost ?? []);
            await this.#copyAll(from, only(document.index.manifests, lost), depth + 1, task);
          } else {
            const blobs = [document.manifest.config, ...document.manifest.layers];
            await this.copyBlobs(from, only(blobs, lost), { ...task, anew: lost !== undefined });
          }
        };
        await copyParts(undefined, { signal });
        await this.#registry.pushManifest(this.#target, { mediaType, bytes }, digest, { signal, pushAgain: copyParts });
      }
      await this.#copyCompanions(from, descriptor.digest, depth, { signal });
    });
  }

  async #copyAll(
    from: Reference,
    children: readonly Descriptor[],
    depth: number,
    options: { signal: AbortSignal },
  ): Promise<void> {
    await using group = new TaskGroup({ limit: parallel, signal: options.signal });
    await group.all(
      children.map(
        (child) =>
          ({ signal }) =>
            isIndexType(child.mediaType) || isManifestType(child.mediaType)
              ? this.#copyDocument(from, child, depth, { signal })
              : this.copyBlobs(from, [child], { signal }),
      ),
    );
  }

  async #copyCompanions(
    from: Reference,
    subject: Digest,
    depth: number,
    options: { signal: AbortSignal },
  ): Promise<void> {
    if (!this.#companions) return;
    const found = await this.#registry.referrers(from, subject, options);
    const wanted = found.filter(({ artifactType }) => artifactType !== undefined && companions.has(artifactType));
    if (wanted.length === 0) return;
    await this.#copyAll(from, wanted, depth + 1, options);
    await this.#list(subject, wanted, options);
  }

  /** Registries without the referrers API find companions by a tag that whoever pushes them has to keep. */
  async #list(subject: Digest, wanted: readonly Descriptor[], options: { signal: AbortSignal }): Promise<void> {
    const listed = await this.#registry.referrers(this.#target, subject, options);
    const missing = wanted.filter(({ digest }) => !listed.some((known) => known.digest === digest));
    if (missing.length === 0) return;
    const bytes = encodeIndex(createIndex({ family: "oci", manifests: [...listed, ...missing] }));
    const index = { mediaType: mediaTypes.ociIndex, bytes };
    await this.#registry.pushManifest(this.#target, index, referrersTag(subject), options);
  }

  async #copyBlob(
    from: Reference,
    blob: Descriptor,
    options: { readonly signal: AbortSignal; readonly anew: boolean },
  ): Promise<void> {
    const open = (options: { signal: AbortSignal }) => this.#registry.fetchBlob(from, blob, options);
    await this.#registry.pushBlob(this.#target, blob, open, { ...options, mountFrom: [repositoryName(from)] });
  }

  async #once(
    digest: Digest,
    options: { signal: AbortSignal },
    work: (signal: AbortSignal) => Promise<void>,
  ): Promise<void> {
    if (this.#done.has(digest)) return;
    await this.#flights.run(digest, work, options);
    this.#done.add(digest);
  }
}

/** Those that are among `digests`; all when there are none given. */
function only(descriptors: readonly Descriptor[], digests: readonly Digest[] | undefined): readonly Descriptor[] {
  return digests ? descriptors.filter(({ digest }) => digests.includes(digest)) : descriptors;
}

/** Layers of Windows, which may lie nowhere but where their `urls` say. */
function mustStay({ mediaType, urls = [] }: Descriptor): boolean {
  return urls.length > 0 && parseLayerMediaType(mediaType)?.foreign === true;
}

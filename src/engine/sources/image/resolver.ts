import { SingleFlight } from "../../../base/async/mod.ts";
import { BuildError } from "../../../base/errors/mod.ts";
import type { ContentStore } from "../../../content/mod.ts";
import {
  decodeImageConfig,
  decodeImageDocument,
  type Descriptor,
  type Digest,
  formatPlatform,
  formatReference,
  type ImageConfig,
  type Manifest,
  mediaTypes,
  type Platform,
  platformMatcher,
  platformOfConfig,
  type Reference,
} from "../../../oci/mod.ts";
import type { Registry } from "../../../registry/mod.ts";
import { type AttestationChain, attestationChain, type ChainDocuments } from "./attestation-chain.ts";

/** What an image name means for one platform. */
export interface ResolvedImage {
  readonly reference: Reference;
  /** What the name points to: an index or a manifest. */
  readonly digest: Digest;
  readonly manifest: Manifest;
  readonly manifestDigest: Digest;
  readonly config: ImageConfig;
  /** As stored: its digest is of these bytes. */
  readonly configBytes: Uint8Array;
}

/** Where documents and layers of images come from: a registry, or what gives the same. */
export type ImageDocuments = Pick<Registry, "resolve" | "fetchManifest" | "fetchBlob"> &
  Partial<Pick<Registry, "referrers">>;

/** How a name is looked up: `default` and `pull` ask the registry for every tag; `local` prefers nothing here, since there is no image store. */
export type ResolveMode = "default" | "pull" | "local";

/**
 * Image names of one build. Every name is asked for once, every document fetched once, and documents known by digest never leave the
 * content store again.
 */
export class ImageResolver {
  readonly #registry: ImageDocuments;
  readonly #content: ContentStore;
  readonly #tops = new Map<string, Promise<Descriptor>>();
  readonly #documents = new SingleFlight<Digest, Uint8Array>();

  constructor(options: { registry: ImageDocuments; content: ContentStore }) {
    this.#registry = options.registry;
    this.#content = options.content;
  }

  /**
   * Looks a name up, down to the config of the image for `platform`.
   * @throws {BuildError} `not_found`: the name, or `no match for platform in manifest: not found` with the platforms there are
   */
  async resolve(reference: Reference, options: { platform: Platform; signal: AbortSignal }): Promise<ResolvedImage> {
    const { platform, signal } = options;
    const top = await this.#top(reference, signal);
    const topBytes = await this.#document(reference, top, signal);
    const document = decodeImageDocument(topBytes, top.mediaType === "" ? undefined : top.mediaType);
    if (document.type === "manifest") {
      return await this.#image(reference, top.digest, document.manifest, top.digest, signal);
    }
    const candidates = document.index.manifests.filter(
      (descriptor) => descriptor.annotations?.["vnd.docker.reference.type"] === undefined,
    );
    const chosen = platformMatcher(platform).choose(candidates);
    if (!chosen) {
      const available = candidates.flatMap((descriptor) =>
        descriptor.platform ? [formatPlatform(descriptor.platform)] : [],
      );
      throw new BuildError(
        "not_found",
        `${formatReference(reference)}: no match for platform in manifest: not found (wanted ${formatPlatform(platform)}, the image has ${available.join(", ") || "none"})`,
      );
    }
    const bytes = await this.#document(reference, chosen, signal);
    const inner = decodeImageDocument(bytes, chosen.mediaType);
    if (inner.type !== "manifest") {
      throw new BuildError(
        "invalid_argument",
        `${formatReference(reference)}: the index lists another index (${chosen.digest}): nested indexes cannot be pulled`,
      );
    }
    return await this.#image(reference, top.digest, inner.manifest, chosen.digest, signal);
  }

  /** What is said of an image, and who has signed that. @see {@link attestationChain} */
  async attestations(
    reference: Reference,
    options: { readonly platform: Platform; readonly predicateTypes: readonly string[]; readonly signal: AbortSignal },
  ): Promise<AttestationChain | undefined> {
    const { signal } = options;
    const documents: ChainDocuments = {
      manifest: async (descriptor) => await this.#document(reference, descriptor, signal),
      blob: async (descriptor) => await this.#document(reference, descriptor, signal, "blob"),
      referrers: async (digest) => (await this.#registry.referrers?.(reference, digest, { signal })) ?? [],
    };
    return await attestationChain(await this.#top(reference, signal), documents, options);
  }

  async #image(
    reference: Reference,
    digest: Digest,
    manifest: Manifest,
    manifestDigest: Digest,
    signal: AbortSignal,
  ): Promise<ResolvedImage> {
    if (manifest.config.mediaType !== mediaTypes.ociConfig && manifest.config.mediaType !== mediaTypes.dockerConfig) {
      throw new BuildError(
        "invalid_argument",
        `${formatReference(reference)} is no container image: its config is of type ${manifest.config.mediaType}`,
      );
    }
    const configBytes = await this.#document(reference, manifest.config, signal, "blob");
    const config = decodeImageConfig(configBytes);
    if (config.rootfs.diff_ids.length !== manifest.layers.length) {
      throw new BuildError(
        "invalid_argument",
        `${formatReference(reference)}: mismatched image rootfs and manifest layers (${config.rootfs.diff_ids.length} and ${manifest.layers.length}, ${formatPlatform(platformOfConfig(config))})`,
      );
    }
    return { reference, digest, manifest, manifestDigest, config, configBytes };
  }

  /** What the name points to; asked once per build. A name with a digest that is already here needs no registry. */
  async #top(reference: Reference, signal: AbortSignal): Promise<Descriptor> {
    if (reference.digest) {
      const info = await this.#content.info(reference.digest);
      if (info) return { mediaType: "", digest: reference.digest, size: info.size };
    }
    const name = formatReference(reference);
    let top = this.#tops.get(name);
    if (!top) {
      top = this.#registry.resolve(reference, { signal });
      top.catch(() => this.#tops.delete(name));
      this.#tops.set(name, top);
    }
    return await top;
  }

  /** A small document by digest: from the content store, else fetched into it. */
  async #document(
    reference: Reference,
    descriptor: Descriptor,
    signal: AbortSignal,
    kind: "manifest" | "blob" = "manifest",
  ): Promise<Uint8Array> {
    return await this.#documents.run(
      descriptor.digest,
      async (shared) => {
        const known = await this.#content.info(descriptor.digest);
        if (known) return await collect(this.#content.read(descriptor.digest, { signal: shared }), descriptor);
        const bytes =
          kind === "manifest"
            ? await this.#registry.fetchManifest(reference, descriptor, { signal: shared })
            : await collect(this.#registry.fetchBlob(reference, descriptor, { signal: shared }), descriptor);
        await this.#content.put(bytes, descriptor, { signal: shared });
        return bytes;
      },
      { signal },
    );
  }
}

/** More than any config that exists. */
const documentLimitBytes = 8 * 1024 * 1024;

async function collect(bytes: AsyncIterable<Uint8Array>, descriptor: Descriptor): Promise<Uint8Array> {
  if (descriptor.size > documentLimitBytes) {
    throw new BuildError(
      "invalid_argument",
      `${descriptor.digest} is too large for a manifest or config: ${descriptor.size} bytes`,
    );
  }
  const chunks: Uint8Array[] = [];
  for await (const chunk of bytes) chunks.push(chunk);
  return Buffer.concat(chunks);
}

import type { Descriptor, Digest, Reference } from "../oci/mod.ts";

/** How to reach one registry. Everything left out means HTTPS with the system's certificates (plain HTTP on this machine). */
export interface HostConfig {
  /** Plain HTTP; with `insecure`, only when HTTPS does not work. */
  readonly plainHttp?: boolean;
  /** Certificates are not verified. */
  readonly insecure?: boolean;
  /** Certificate authorities (PEM) trusted besides the system's. */
  readonly ca?: readonly string[];
  /** Certificate and key (PEM) to show. */
  readonly clientCertificate?: { readonly cert: string; readonly key: string };
  /** `host[:port][/path]` to ask first when reading; each may have a {@link HostConfig} of its own. */
  readonly mirrors?: readonly string[];
}

/** Options that every call has. */
export interface CallOptions {
  readonly signal: AbortSignal;
}

/**
 * Client of registries that speak the OCI distribution protocol; one for all hosts. What is fetched is verified and bounded; broken
 * connections, 429 and 5xx are retried; errors name the registry, the cause and the remedy.
 *
 * @see https://github.com/opencontainers/distribution-spec/blob/main/spec.md
 */
export interface Registry extends AsyncDisposable {
  /**
   * Name → descriptor of the manifest or index (no platform is chosen).
   * @throws {BuildError} `not_found` (`<ref>: not found`), `unauthenticated`, `permission_denied`, `unavailable`
   */
  resolve(reference: Reference, options: CallOptions): Promise<Descriptor>;
  /** The bytes of a manifest, index or (small) config; verified, at most 8 MiB. */
  fetchManifest(reference: Reference, descriptor: Descriptor, options: CallOptions): Promise<Uint8Array>;
  /**
   * The bytes of a blob, verified: trust them only when the iteration has ended well. A connection that breaks is resumed where it broke.
   * @param options.offset begin there; then nobody but the caller, who has the bytes before, can check the digest
   * @param options.verify `false` when the caller checks the digest anyway (a content store does on its way in): only the size is checked
   */
  fetchBlob(
    reference: Reference,
    descriptor: Descriptor,
    options: CallOptions & { readonly offset?: number; readonly verify?: boolean },
  ): AsyncIterable<Uint8Array>;
  /**
   * What a repository has under a digest, a blob or a manifest, when nothing else is known of it: ready for {@link fetchBlob}.
   * @throws {BuildError} `not_found`; `unavailable` when the registry does not tell the size
   */
  findContent(reference: Reference, digest: Digest, options: CallOptions): Promise<Descriptor>;
  hasBlob(reference: Reference, digest: Digest, options: CallOptions): Promise<boolean>;
  /** The manifest under a tag or digest of that repository; `undefined` when there is none. */
  hasManifest(reference: Reference, tagOrDigest: string, options: CallOptions): Promise<Descriptor | undefined>;
  /**
   * Makes sure that the repository has the blob, in the cheapest way.
   * @param open gives the bytes, each chunk valid until the next one is asked for; called only when they are needed, and again for each new attempt
   * @param options.mountFrom repositories (`host/path`) that may have it already; those of other registries are passed over
   * @param options.anew upload it, whatever the registry says that it has
   * @param options.onProgress bytes of this attempt that were sent so far
   */
  pushBlob(
    reference: Reference,
    descriptor: Descriptor,
    open: (options: CallOptions) => AsyncIterable<Uint8Array>,
    options: CallOptions & {
      readonly mountFrom?: readonly string[];
      readonly anew?: boolean;
      readonly onProgress?: (sentBytes: number) => void;
    },
  ): Promise<"exists" | "mounted" | "pushed">;
  /**
   * Puts a manifest or index under a tag or its digest; everything it names must be there. Safe to repeat. A registry that says that something is
   * missing, which may be so when others push the same at the same time, is asked again, a few times.
   * @param options.pushAgain pushes those blobs (of an index: manifests) of it again which the registry does not have after all
   * @returns its descriptor
   */
  pushManifest(
    reference: Reference,
    manifest: { readonly mediaType: string; readonly bytes: Uint8Array },
    tagOrDigest: string,
    options: CallOptions & {
      readonly pushAgain?: ((digests: readonly Digest[], options: CallOptions) => Promise<void>) | undefined;
    },
  ): Promise<Descriptor>;
  /** Manifests of that repository that say something about `digest` (their `subject`); none when the registry keeps no such list. */
  referrers(reference: Reference, digest: Digest, options: CallOptions): Promise<readonly Descriptor[]>;
  /** Closes idle connections; calls under way fail. */
  close(): Promise<void>;
}

import { BuildError } from "../base/errors/mod.ts";
import { collectBytes, type Descriptor, type Digest, manifestLimitBytes, type Reference } from "../oci/mod.ts";
import type { Credentials, TokenFetcher } from "./auth.ts";
import { Authorizer } from "./authorizer.ts";
import { type Endpoint, type HostLookup, originEndpoint, readEndpoints } from "./endpoint.ts";
import { fetchContent, type Shelf } from "./fetch.ts";
import { RegistryHttp } from "./http.ts";
import type { RegistryLanes } from "./lanes.ts";
import { blobExists, lookUpBlob, type OpenBlob, pushBlobTo } from "./push-blob.ts";
import { type PushManifestOptions, pushManifestTo } from "./push-manifest.ts";
import { listReferrers } from "./referrers.ts";
import type { CallOptions, HostConfig, Registry } from "./registry.ts";
import { lookUpManifest, notFound } from "./resolve.ts";
import { defaultRetryPolicy, type RetryPolicy } from "./retry.ts";
import { Transport } from "./transport.ts";

/** What {@link openRegistry} needs to know. */
export interface RegistryOptions {
  readonly credentials: Credentials;
  /** How to reach a registry (as named in references; `docker.io`) or a mirror; nothing configured: `{}`. */
  readonly hosts?: (host: string) => HostConfig;
  readonly fetchToken?: TokenFetcher;
  /** Ends everything that is under way when it aborts. */
  readonly signal?: AbortSignal;
  /** For `HTTP_PROXY`, `HTTPS_PROXY`, `NO_PROXY`; the process's own when left out. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly retry?: Partial<RetryPolicy>;
  /** Places that are shared with other clients; of its own when left out. */
  readonly lanes?: RegistryLanes;
}

/** Opens the client. No connection is made before something is asked. */
export function openRegistry(options: RegistryOptions): Registry {
  const hosts: HostLookup = options.hosts ?? (() => ({}));
  const policy = { ...defaultRetryPolicy, ...options.retry };
  const transport = new Transport(options.env ?? process.env);
  const authorizer = new Authorizer({
    credentials: options.credentials,
    fetchToken: options.fetchToken,
    transport,
    hosts,
    policy,
  });
  const http = new RegistryHttp({ transport, authorizer, policy, ...(options.lanes ? { lanes: options.lanes } : {}) });
  return new RegistryClient({ http, hosts, signal: options.signal, close: () => transport.close() });
}

class RegistryClient implements Registry {
  readonly #http: RegistryHttp;
  readonly #hosts: HostLookup;
  readonly #signal: AbortSignal | undefined;
  readonly #close: () => Promise<void>;
  constructor(parts: {
    http: RegistryHttp;
    hosts: HostLookup;
    signal: AbortSignal | undefined;
    close: () => Promise<void>;
  }) {
    this.#http = parts.http;
    this.#hosts = parts.hosts;
    this.#signal = parts.signal;
    this.#close = parts.close;
  }
  async resolve(reference: Reference, options: CallOptions): Promise<Descriptor> {
    const tagOrDigest = reference.digest ?? reference.tag ?? "latest";
    const found = await this.#firstThat(reference, options, (endpoint, signal) =>
      lookUpManifest(this.#http, endpoint, reference, tagOrDigest, { signal }),
    );
    if (!found) throw notFound(reference);
    return found;
  }
  async hasManifest(reference: Reference, tagOrDigest: string, options: CallOptions): Promise<Descriptor | undefined> {
    const endpoint = originEndpoint(reference.registry, this.#hosts);
    return await lookUpManifest(this.#http, endpoint, reference, tagOrDigest, { signal: this.#either(options.signal) });
  }
  async fetchManifest(reference: Reference, descriptor: Descriptor, options: CallOptions): Promise<Uint8Array> {
    if (descriptor.size > manifestLimitBytes) {
      throw new BuildError(
        "resource_exhausted",
        `manifest ${descriptor.digest} has ${descriptor.size} bytes, more than the limit of ${manifestLimitBytes}`,
      );
    }
    const shelf = shelfOf(descriptor.mediaType);
    return await this.#firstThat(reference, options, (endpoint, signal) =>
      collectBytes(fetchContent(this.#http, endpoint, reference, descriptor, { shelf, signal }), {
        limitBytes: manifestLimitBytes,
      }),
    ).then((bytes) => bytes as Uint8Array);
  }
  async *fetchBlob(
    reference: Reference,
    descriptor: Descriptor,
    options: CallOptions & { readonly offset?: number; readonly verify?: boolean },
  ): AsyncGenerator<Uint8Array, void, undefined> {
    const signal = this.#either(options.signal);
    const shelf = shelfOf(descriptor.mediaType);
    const endpoints = readEndpoints(reference.registry, this.#hosts);
    for (const [i, endpoint] of endpoints.entries()) {
      let begun = false;
      try {
        for await (const chunk of fetchContent(this.#http, endpoint, reference, descriptor, {
          shelf,
          signal,
          offset: options.offset,
          verify: options.verify,
        })) {
          begun = true;
          yield chunk;
        }
        return;
      } catch (error) {
        signal.throwIfAborted();
        // Bytes that were passed on cannot be taken back: another mirror helps only before the first of them.
        if (begun || i === endpoints.length - 1 || !(error instanceof BuildError)) throw error;
      }
    }
  }
  async findContent(reference: Reference, digest: Digest, options: CallOptions): Promise<Descriptor> {
    const found = await this.#firstThat(
      reference,
      options,
      async (endpoint, signal): Promise<Descriptor | undefined> => {
        const size = await lookUpBlob(this.#http, endpoint, reference, digest, { signal, access: "pull" });
        if (size === undefined) return await lookUpManifest(this.#http, endpoint, reference, digest, { signal });
        if (!Number.isNaN(size)) return { mediaType: "application/octet-stream", digest, size };
        throw new BuildError("unavailable", `registry "${endpoint.name}" does not tell the size of blob ${digest}`);
      },
    );
    if (!found) throw notFound(reference);
    return found;
  }
  async hasBlob(reference: Reference, digest: Digest, options: CallOptions): Promise<boolean> {
    const endpoint = originEndpoint(reference.registry, this.#hosts);
    return await blobExists(this.#http, endpoint, reference, digest, {
      signal: this.#either(options.signal),
      access: "pull",
    });
  }
  async pushBlob(
    reference: Reference,
    descriptor: Descriptor,
    open: OpenBlob,
    options: CallOptions & {
      readonly mountFrom?: readonly string[];
      readonly anew?: boolean;
      readonly onProgress?: (sentBytes: number) => void;
    },
  ): Promise<"exists" | "mounted" | "pushed"> {
    const here = `${reference.registry}/`;
    const mountFrom = (options.mountFrom ?? [])
      .filter((name) => name.startsWith(here) && name !== here + reference.repository)
      .map((name) => name.slice(here.length));
    return await pushBlobTo(this.#http, originEndpoint(reference.registry, this.#hosts), reference, descriptor, open, {
      signal: this.#either(options.signal),
      mountFrom,
      anew: options.anew,
      onProgress: options.onProgress,
    });
  }
  async pushManifest(
    reference: Reference,
    manifest: { readonly mediaType: string; readonly bytes: Uint8Array },
    tagOrDigest: string,
    options: PushManifestOptions,
  ): Promise<Descriptor> {
    const endpoint = originEndpoint(reference.registry, this.#hosts);
    return await pushManifestTo(this.#http, endpoint, reference, manifest, tagOrDigest, {
      signal: this.#either(options.signal),
      pushAgain: options.pushAgain,
    });
  }
  async referrers(reference: Reference, digest: Digest, options: CallOptions): Promise<readonly Descriptor[]> {
    const endpoint = originEndpoint(reference.registry, this.#hosts);
    return await listReferrers(this.#http, endpoint, reference, digest, { signal: this.#either(options.signal) });
  }
  close(): Promise<void> {
    return this.#close();
  }
  [Symbol.asyncDispose](): Promise<void> {
    return this.#close();
  }
  /** Asks mirrors and then the registry itself; what a mirror does not have, or cannot say, the next one is asked. */
  async #firstThat<T>(
    reference: Reference,
    options: CallOptions,
    ask: (endpoint: Endpoint, signal: AbortSignal) => Promise<T | undefined>,
  ): Promise<T | undefined> {
    const signal = this.#either(options.signal);
    const endpoints = readEndpoints(reference.registry, this.#hosts);
    for (const [i, endpoint] of endpoints.entries()) {
      try {
        const found = await ask(endpoint, signal);
        if (found !== undefined) return found;
      } catch (error) {
        signal.throwIfAborted();
        if (i === endpoints.length - 1 || !(error instanceof BuildError)) throw error;
      }
    }
    return undefined;
  }
  #either(signal: AbortSignal): AbortSignal {
    return this.#signal ? AbortSignal.any([this.#signal, signal]) : signal;
  }
}

/** Manifests are kept apart from everything else, which is a blob. */
function shelfOf(mediaType: string): Shelf {
  return /^application\/vnd\.(?:oci\.image\.(?:manifest|index)\.v1|docker\.distribution\.manifest(?:\.list)?\.v[12])\+(?:json|prettyjws)$/.test(
    mediaType,
  )
    ? "manifests"
    : "blobs";
}

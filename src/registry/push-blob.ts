import { BuildError } from "../base/errors/mod.ts";
import { type Descriptor, type Digest, type Reference } from "../oci/mod.ts";
import { refusal } from "./access-error.ts";
import type { Endpoint } from "./endpoint.ts";
import type { ApiRequest, RegistryHttp } from "./http.ts";
import { resolveLocation } from "./location.ts";
import { NetworkError } from "./network-error.ts";
import { isTransientStatus, nextDelayMs, pause } from "./retry.ts";
import { repositoryScope } from "./scopes.ts";

/** Gives a blob's bytes; may be called again for another attempt. */
export type OpenBlob = (options: { signal: AbortSignal }) => AsyncIterable<Uint8Array>;

/** Options of {@link pushBlobTo}. */
export interface PushBlobOptions {
  readonly signal: AbortSignal;
  /** Repositories of the same registry, without its host. */
  readonly mountFrom: readonly string[];
  /** Uploads it, whatever the registry has. */
  readonly anew?: boolean | undefined;
  readonly onProgress?: ((sentBytes: number) => void) | undefined;
}

/** A registry is asked to mount from no more repositories than this; then uploading is quicker. */
const mountLimit = 3;

/**
 * Makes sure that a repository has a blob: asks for it, else mounts it, else uploads it in one piece. An upload that breaks off, or that
 * the registry refuses for the moment, starts over.
 */
export async function pushBlobTo(
  http: RegistryHttp,
  endpoint: Endpoint,
  reference: Reference,
  descriptor: Descriptor,
  open: OpenBlob,
  options: PushBlobOptions,
): Promise<"exists" | "mounted" | "pushed"> {
  const push = new BlobPush(http, endpoint, reference, descriptor, options.signal);
  for (let attempt = 1; ; attempt++) {
    if (!options.anew && (await push.exists())) return "exists";
    const mountable = attempt === 1 && !options.anew ? options.mountFrom.slice(0, mountLimit) : [];
    const location = await push.begin(mountable);
    if (location === "mounted") return "mounted";
    const failure = await push.upload(location, open, options.onProgress);
    if (!failure) return "pushed";
    const delayMs = nextDelayMs(http.policy, attempt, failure.retryAfter);
    if (delayMs === undefined) throw failure.error;
    await pause(delayMs, options);
  }
}

/** Whether a repository has a blob. */
export async function blobExists(
  http: RegistryHttp,
  endpoint: Endpoint,
  reference: Reference,
  digest: Digest,
  options: { signal: AbortSignal; access: "pull" | "push" },
): Promise<boolean> {
  return (await lookUpBlob(http, endpoint, reference, digest, options)) !== undefined;
}

/** The size of a blob in bytes, `NaN` where the registry does not tell; `undefined`: it has no such blob. */
export async function lookUpBlob(
  http: RegistryHttp,
  endpoint: Endpoint,
  reference: Reference,
  digest: Digest,
  options: { signal: AbortSignal; access: "pull" | "push" },
): Promise<number | undefined> {
  const request: ApiRequest = {
    endpoint,
    method: "HEAD",
    path: `${reference.repository}/blobs/${digest}`,
    scopes: [repositoryScope(reference.repository, options.access === "pull" ? "pull" : "pull,push")],
    lane: "document",
    signal: options.signal,
  };
  await using response = await http.send(request);
  if (response.status === 200) return Number(response.header("content-length") ?? Number.NaN);
  if (response.status === 404) return undefined;
  throw await refusal(http, response, request, options.access, reference);
}

/** Why an upload has failed that may succeed when it starts over. */
interface UploadFailure {
  readonly error: BuildError;
  /** The registry's header of that name. */
  readonly retryAfter?: string | undefined;
}

/** One blob on its way into one repository. */
class BlobPush {
  readonly #http: RegistryHttp;
  readonly #reference: Reference;
  readonly #descriptor: Descriptor;
  readonly #request: Pick<ApiRequest, "endpoint" | "scopes" | "lane" | "signal">;
  constructor(
    http: RegistryHttp,
    endpoint: Endpoint,
    reference: Reference,
    descriptor: Descriptor,
    signal: AbortSignal,
  ) {
    this.#http = http;
    this.#reference = reference;
    this.#descriptor = descriptor;
    this.#request = { endpoint, scopes: [repositoryScope(reference.repository, "pull,push")], lane: "write", signal };
  }
  async exists(): Promise<boolean> {
    const { endpoint, signal } = this.#request;
    return await blobExists(this.#http, endpoint, this.#reference, this.#descriptor.digest, { signal, access: "push" });
  }
  /** Opens an upload, unless the blob can be mounted. @returns where to upload to */
  async begin(mountFrom: readonly string[]): Promise<string> {
    let location: string | undefined;
    for (const repository of mountFrom) {
      const outcome = await this.#mount(repository);
      if (outcome === "mounted") return outcome;
      location = outcome ?? location;
    }
    if (location !== undefined) return location;
    const request: ApiRequest = {
      ...this.#request,
      method: "POST",
      path: this.#uploads,
      headers: { "content-length": "0" },
    };
    await using response = await this.#http.send(request);
    if (response.status !== 202) throw await this.#refusal(response, request);
    return this.#locationOf(response);
  }
  /** @returns an opened upload when the registry would rather have the bytes, `undefined` when it refuses */
  async #mount(repository: string): Promise<string | undefined> {
    const { digest } = this.#descriptor;
    const query = new URLSearchParams({ mount: digest, from: repository });
    const request: ApiRequest = {
      ...this.#request,
      method: "POST",
      path: `${this.#uploads}?${query.toString()}`,
      scopes: [...this.#request.scopes, repositoryScope(repository, "pull")],
      headers: { "content-length": "0" },
    };
    try {
      await using response = await this.#http.send(request);
      if (response.status === 201) return "mounted";
      return response.status === 202 ? this.#locationOf(response) : undefined;
    } catch (error) {
      // A token for the other repository may be refused; that says nothing about our own.
      if (error instanceof BuildError && (error.code === "unauthenticated" || error.code === "permission_denied"))
        return undefined;
      throw error;
    }
  }
  /**
   * Sends all bytes in one request.
   * @returns the failure, when starting over with a new upload may mend it
   */
  async upload(
    location: string,
    open: OpenBlob,
    onProgress: ((sentBytes: number) => void) | undefined,
  ): Promise<UploadFailure | undefined> {
    const { digest, size } = this.#descriptor;
    const { signal } = this.#request;
    const url = new URL(location);
    url.searchParams.set("digest", digest);
    const source: { error?: unknown } = {};
    const request: ApiRequest = {
      ...this.#request,
      method: "PUT",
      path: url.href,
      headers: { "content-type": "application/octet-stream", "content-length": String(size) },
      body: () => sending(open({ signal }), size, source, onProgress),
      attempts: 1,
    };
    try {
      await using response = await this.#http.send(request);
      if (response.status === 201 || response.status === 204) return undefined;
      const error = await this.#refusal(response, request);
      // 404: the registry has forgotten the upload, as some do when a node of theirs goes away.
      if (isTransientStatus(response.status) || response.status === 404) {
        return { error, retryAfter: response.header("retry-after") };
      }
      throw error;
    } catch (error) {
      signal.throwIfAborted();
      if (source.error !== undefined) throw source.error; // our own bytes failed: that is the cause, whatever the connection made of it
      if (error instanceof NetworkError && error.transient) return { error };
      throw error;
    }
  }
  get #uploads(): string {
    return `${this.#reference.repository}/blobs/uploads/`;
  }
  #locationOf(response: { url: string; header(name: string): string | undefined }): string {
    const { name } = this.#request.endpoint;
    const location = response.header("location");
    if (location === undefined)
      throw new BuildError(
        "unavailable",
        `registry "${name}" opened an upload but did not say where: no Location header`,
      );
    return resolveLocation(location, response.url, name);
  }
  async #refusal(response: Parameters<typeof refusal>[1], request: ApiRequest): Promise<BuildError> {
    return await refusal(this.#http, response, request, "push", this.#reference);
  }
}

/**
 * Counts bytes on their way, and remembers when it is they that fail. A chunk is done with when the next one is asked for: undici waits until the
 * socket has nothing left to write after a chunk that is larger than its buffer, and smaller ones come last.
 */
async function* sending(
  bytes: AsyncIterable<Uint8Array>,
  size: number,
  source: { error?: unknown },
  onProgress: ((sentBytes: number) => void) | undefined,
): AsyncGenerator<Uint8Array, void, undefined> {
  let sent = 0;
  const iterator = bytes[Symbol.asyncIterator]();
  try {
    for (;;) {
      const next = await iterator.next().catch((error: unknown) => {
        source.error = error;
        throw error;
      });
      if (next.done) break;
      sent += next.value.byteLength;
      if (sent > size) break;
      yield next.value;
      onProgress?.(sent);
    }
    if (sent !== size) {
      source.error = new BuildError(
        "data_loss",
        `unexpected size ${sent > size ? "beyond " : ""}${Math.min(sent, size)} of a blob to push, expected ${size}`,
      );
      throw source.error;
    }
  } finally {
    await iterator.return?.();
  }
}

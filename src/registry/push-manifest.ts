import type { BuildError } from "../base/errors/mod.ts";
import {
  ContentMismatchError,
  describe,
  type Descriptor,
  type Digest,
  digestAlgorithm,
  isDigest,
  type Reference,
} from "../oci/mod.ts";
import { refusal } from "./access-error.ts";
import type { Endpoint } from "./endpoint.ts";
import type { ApiRequest, RegistryHttp } from "./http.ts";
import { ManifestRefusedError, refusesKind } from "./manifest-refused-error.ts";
import { lacksParts, partsToPushAgain } from "./missing-parts.ts";
import { nextDelayMs, pause } from "./retry.ts";
import { repositoryScope } from "./scopes.ts";

/** Options of {@link pushManifestTo}. */
export interface PushManifestOptions {
  readonly signal: AbortSignal;
  /** Pushes blobs (of an index: manifests) of this manifest again, without asking whether they are there. */
  readonly pushAgain?: ((digests: readonly Digest[], options: { signal: AbortSignal }) => Promise<void>) | undefined;
}

/**
 * Puts a manifest or index under a tag or its digest, and checks that the registry took exactly these bytes. A registry that says that something
 * is missing gets that again, and then the manifest; as often as the policy says.
 * @throws {BuildError} what the registry said last
 */
export async function pushManifestTo(
  http: RegistryHttp,
  endpoint: Endpoint,
  reference: Reference,
  manifest: { readonly mediaType: string; readonly bytes: Uint8Array },
  tagOrDigest: string,
  options: PushManifestOptions,
): Promise<Descriptor> {
  const descriptor = describe(manifest.mediaType, manifest.bytes);
  if (isDigest(tagOrDigest) && digestAlgorithm(tagOrDigest) === "sha256" && tagOrDigest !== descriptor.digest) {
    throw new Error(`Internal error: manifest ${descriptor.digest} pushed as ${tagOrDigest}`);
  }
  const request: ApiRequest = {
    endpoint,
    method: "PUT",
    path: `${reference.repository}/manifests/${tagOrDigest}`,
    scopes: [repositoryScope(reference.repository, "pull,push")],
    headers: { "content-type": manifest.mediaType },
    body: () => manifest.bytes,
    lane: "write",
    signal: options.signal,
  };
  for (let attempt = 1; ; attempt++) {
    const refused = await put(http, request, reference, descriptor);
    if (!refused) return descriptor;
    const { error, status } = refused;
    const delayMs = lacksParts(status, error.message) ? nextDelayMs(http.policy, attempt) : undefined;
    if (delayMs === undefined) throw error;
    await pause(delayMs, options);
    const last = { ...manifest, message: error.message, refusals: attempt };
    const parts = await partsToPushAgain(http, endpoint, reference, last, options);
    if (parts.length > 0) await options.pushAgain?.(parts, options);
  }
}

/** One attempt. @returns why the registry does not take it */
async function put(
  http: RegistryHttp,
  request: ApiRequest,
  reference: Reference,
  descriptor: Descriptor,
): Promise<{ readonly error: BuildError; readonly status: number } | undefined> {
  const { endpoint } = request;
  const { mediaType } = descriptor;
  await using response = await http.send(request);
  const { status } = response;
  if (status < 200 || status > 299) {
    const error = await refusal(http, response, request, "push", reference);
    if (!isOciDocument(mediaType) || !refusesKind(status, error.message)) return { error, status };
    const told = `${error.message}: ${remedy}`;
    return {
      error: new ManifestRefusedError(error.code, told, { mediaType, registry: endpoint.name, cause: error }),
      status,
    };
  }
  const taken = response.header("docker-content-digest");
  if (taken !== undefined && isDigest(taken) && digestAlgorithm(taken) === "sha256" && taken !== descriptor.digest) {
    throw new ContentMismatchError(descriptor, `registry "${endpoint.name}" stored it as ${taken}`);
  }
  return undefined;
}

/** Docker's own formats are the oldest there are: nothing else is left to try where a registry refuses those. */
function isOciDocument(mediaType: string): boolean {
  return mediaType.startsWith("application/vnd.oci.");
}

/** What people can do about it. */
const remedy =
  "the registry may not know this kind of manifest: try --provenance=false --sbom=false, or " +
  "--output type=image,oci-mediatypes=false,push=true";

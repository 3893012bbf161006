import {
  ContentMismatchError,
  describe,
  type Descriptor,
  digestAlgorithm,
  isDigest,
  type Reference,
} from "../oci/mod.ts";
import { refusal } from "./access-error.ts";
import type { Endpoint } from "./endpoint.ts";
import type { ApiRequest, RegistryHttp } from "./http.ts";
import { ManifestRefusedError, refusesKind } from "./manifest-refused-error.ts";
import { repositoryScope } from "./scopes.ts";

/** Puts a manifest or index under a tag or its digest, and checks that the registry took exactly these bytes. */
export async function pushManifestTo(
  http: RegistryHttp,
  endpoint: Endpoint,
  reference: Reference,
  manifest: { readonly mediaType: string; readonly bytes: Uint8Array },
  tagOrDigest: string,
  options: { signal: AbortSignal },
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
  await using response = await http.send(request);
  if (response.status < 200 || response.status > 299) {
    const error = await refusal(http, response, request, "push", reference);
    if (!isOciDocument(manifest.mediaType) || !refusesKind(response.status, error.message)) throw error;
    throw new ManifestRefusedError(error.code, `${error.message}: ${remedy}`, {
      mediaType: manifest.mediaType,
      registry: endpoint.name,
      cause: error,
    });
  }
  const taken = response.header("docker-content-digest");
  if (taken !== undefined && isDigest(taken) && digestAlgorithm(taken) === "sha256" && taken !== descriptor.digest) {
    throw new ContentMismatchError(descriptor, `registry "${endpoint.name}" stored it as ${taken}`);
  }
  return descriptor;
}

/** Docker's own formats are the oldest there are: nothing else is left to try where a registry refuses those. */
function isOciDocument(mediaType: string): boolean {
  return mediaType.startsWith("application/vnd.oci.");
}

/** What people can do about it. */
const remedy =
  "the registry may not know this kind of manifest: try --provenance=false --sbom=false, or " +
  "--output type=image,oci-mediatypes=false,push=true";

import { BuildError } from "../base/errors/mod.ts";
import {
  collectBytes,
  ContentMismatchError,
  decodeImageDocument,
  describe,
  type Descriptor,
  type Digest,
  digestAlgorithm,
  formatReference,
  isDigest,
  isIndexType,
  isManifestType,
  isSchema1Type,
  manifestLimitBytes,
  mediaTypes,
  type Reference,
} from "../oci/mod.ts";
import { refusal } from "./access-error.ts";
import type { Endpoint } from "./endpoint.ts";
import type { ApiRequest, ApiResponse, RegistryHttp } from "./http.ts";
import { isWebPage, webPageError } from "./response-error.ts";
import { repositoryScope } from "./scopes.ts";

/** All documents that we can use; the rest is there so that an error can say what was found instead. */
export const acceptedManifests = [
  mediaTypes.ociIndex,
  mediaTypes.ociManifest,
  mediaTypes.dockerIndex,
  mediaTypes.dockerManifest,
  "*/*",
].join(", ");

/** What a registry has under a tag or digest: from the head of the answer if it tells all, else from the document. */
export async function lookUpManifest(
  http: RegistryHttp,
  endpoint: Endpoint,
  reference: Reference,
  tagOrDigest: string,
  options: { signal: AbortSignal },
): Promise<Descriptor | undefined> {
  const request: ApiRequest = {
    endpoint,
    method: "HEAD",
    path: `${reference.repository}/manifests/${tagOrDigest}`,
    scopes: [repositoryScope(reference.repository, "pull")],
    headers: { accept: acceptedManifests },
    lane: "document",
    signal: options.signal,
  };
  {
    await using head = await http.send(request);
    if (head.status === 404 && isOfRegistry(head)) return undefined;
    const descriptor = head.status === 200 ? fromHead(head, tagOrDigest) : undefined;
    if (descriptor) return descriptor;
  }
  // Some registries refuse HEAD, do not know it (404) or leave headers out, and errors have no text without a body.
  await using response = await http.send({ ...request, method: "GET" });
  if (response.status === 404 && !isWebPage(response)) return undefined;
  if (response.status !== 200 || isWebPage(response)) throw await refusal(http, response, request, "pull", reference);
  return await fromBody(response, tagOrDigest, endpoint.name);
}

/** @throws {BuildError} `not_found` in the words that people know from containerd */
export function notFound(reference: Reference): BuildError {
  return new BuildError("not_found", `${formatReference(reference)}: not found`);
}

function fromHead(head: ApiResponse, tagOrDigest: string): Descriptor | undefined {
  const mediaType = mediaTypeOf(head);
  const size = Number(head.header("content-length") ?? "");
  const digest = head.header("docker-content-digest") ?? "";
  if (!mediaType || !Number.isSafeInteger(size) || size <= 0 || !isDigest(digest)) return undefined;
  if (!isIndexType(mediaType) && !isManifestType(mediaType)) return undefined;
  checkDigest(tagOrDigest, digest, size);
  return { mediaType, digest, size };
}

async function fromBody(response: ApiResponse, tagOrDigest: string, registry: string): Promise<Descriptor> {
  const bytes = await collectBytes(response.body, { limitBytes: manifestLimitBytes });
  const announced = mediaTypeOf(response);
  const known =
    announced && (isIndexType(announced) || isManifestType(announced) || isSchema1Type(announced))
      ? announced
      : undefined;
  const document = decodeImageDocument(bytes, known);
  const descriptor = describe(
    document.type === "index" ? document.index.mediaType : document.manifest.mediaType,
    bytes,
  );
  checkDigest(tagOrDigest, descriptor.digest, descriptor.size);
  const claimed = response.header("docker-content-digest");
  if (claimed !== undefined && isDigest(claimed)) checkDigest(claimed, descriptor.digest, descriptor.size);
  else if (claimed !== undefined)
    throw new BuildError(
      "data_loss",
      `registry "${registry}" names no usable digest: ${JSON.stringify(claimed.slice(0, 100))}`,
    );
  return descriptor;
}

function checkDigest(wanted: string, got: Digest, size: number): void {
  if (!isDigest(wanted) || digestAlgorithm(wanted) !== digestAlgorithm(got) || wanted === got) return;
  throw new ContentMismatchError({ digest: wanted, size }, `unexpected digest ${got}`);
}

/** Whether it is the registry that says so: what does not know HEAD, or is no registry, answers in another way. */
function isOfRegistry(response: ApiResponse): boolean {
  return (
    response.header("docker-distribution-api-version") !== undefined ||
    /^application\/(?:[\w.+-]+\+)?json$/.test(mediaTypeOf(response) ?? "")
  );
}

function mediaTypeOf(response: ApiResponse): string | undefined {
  return response.header("content-type")?.split(";", 1)[0]?.trim().toLowerCase() || undefined;
}

/** Turns a web page where a manifest was wanted into the error that says so. */
export function refuseWebPage(response: ApiResponse, endpoint: Endpoint): void {
  if (isWebPage(response)) throw webPageError(response, endpoint.name);
}

import { BuildError } from "../base/errors/mod.ts";
import { ContentMismatchError, type Descriptor, formatReference, type Reference, verified } from "../oci/mod.ts";
import { refusal } from "./access-error.ts";
import type { Endpoint } from "./endpoint.ts";
import type { ApiRequest, ApiResponse, RegistryHttp } from "./http.ts";
import { NetworkError } from "./network-error.ts";
import { acceptedManifests, refuseWebPage } from "./resolve.ts";
import { nextDelayMs, pause } from "./retry.ts";
import { repositoryScope } from "./scopes.ts";

/** However often it makes a little progress, a connection that breaks this often is given up. */
const breakLimit = 50;

/** The two places that a registry keeps things in. */
export type Shelf = "manifests" | "blobs";

/**
 * The bytes of a manifest or blob from one endpoint, checked against the descriptor. A connection that breaks is resumed from where it
 * broke; progress renews the patience. Holds one chunk.
 */
export function fetchContent(
  http: RegistryHttp,
  endpoint: Endpoint,
  reference: Reference,
  descriptor: Descriptor,
  options: { shelf: Shelf; signal: AbortSignal; offset?: number | undefined; verify?: boolean | undefined },
): AsyncGenerator<Uint8Array, void, undefined> {
  const { offset = 0, verify = true } = options;
  const bytes = resumed(http, endpoint, reference, descriptor, { ...options, offset });
  return verify && offset === 0 ? verified(bytes, descriptor) : counted(bytes, descriptor, offset);
}

async function* resumed(
  http: RegistryHttp,
  endpoint: Endpoint,
  reference: Reference,
  descriptor: Descriptor,
  options: { shelf: Shelf; signal: AbortSignal; offset: number },
): AsyncGenerator<Uint8Array, void, undefined> {
  const request: ApiRequest = {
    endpoint,
    method: "GET",
    path: `${reference.repository}/${options.shelf}/${descriptor.digest}`,
    scopes: [repositoryScope(reference.repository, "pull")],
    headers: { accept: options.shelf === "manifests" ? `${descriptor.mediaType}, ${acceptedManifests}` : "*/*" },
    lane: options.shelf === "manifests" || descriptor.mediaType.endsWith("+json") ? "document" : "read",
    signal: options.signal,
  };
  let position = options.offset;
  let failures = 0;
  for (let breaks = 0; ; breaks++) {
    const begin = position;
    let answered = false;
    try {
      await using response = await http.send(
        begin === 0 ? request : { ...request, headers: { ...request.headers, range: `bytes=${begin}-` } },
      );
      answered = true;
      await expectContent(http, response, request, reference, descriptor, begin);
      let skip = begin > 0 && response.status === 200 ? begin : 0; // the server does not do ranges
      for await (const chunk of response.body) {
        const useful = skip === 0 ? chunk : chunk.subarray(Math.min(skip, chunk.byteLength));
        skip -= chunk.byteLength - useful.byteLength;
        if (useful.byteLength === 0) continue;
        position += useful.byteLength;
        yield useful;
      }
      // Too short: asking for the rest helps while it brings something; else verification says what is wrong.
      if (position >= descriptor.size || position === begin || breaks >= breakLimit) return;
    } catch (error) {
      options.signal.throwIfAborted();
      if (!answered || !(error instanceof NetworkError) || !error.transient) throw error;
      failures = position > begin ? 1 : failures + 1;
      const delayMs = breaks < breakLimit ? nextDelayMs(http.policy, failures) : undefined;
      if (delayMs === undefined) throw error;
      await pause(delayMs, options);
    }
  }
}

async function expectContent(
  http: RegistryHttp,
  response: ApiResponse,
  request: ApiRequest,
  reference: Reference,
  descriptor: Descriptor,
  begin: number,
): Promise<void> {
  if (response.status === 404) {
    throw new BuildError(
      "not_found",
      `${formatReference(reference)}: content ${descriptor.digest} not found in registry "${request.endpoint.name}"`,
    );
  }
  if (response.status !== 200 && response.status !== 206)
    throw await refusal(http, response, request, "pull", reference);
  if (request.lane === "document") refuseWebPage(response, request.endpoint);
  if (response.status === 206) {
    const [, from] = /^bytes (\d+)-/.exec(response.header("content-range") ?? "") ?? [];
    if (Number(from ?? Number.NaN) !== begin) {
      throw new BuildError(
        "unavailable",
        `registry "${request.endpoint.name}" sent another range than bytes=${begin}-: ${response.header("content-range") ?? "none"}`,
      );
    }
  }
  const length = Number(response.header("content-length") ?? Number.NaN);
  const announced = response.status === 206 ? begin + length : length;
  if (!Number.isNaN(length) && announced !== descriptor.size) {
    throw new ContentMismatchError(descriptor, `unexpected size ${announced}, expected ${descriptor.size}`);
  }
}

/** Checks the size alone: of bytes that do not begin at the beginning, or that the caller checks. */
async function* counted(
  bytes: AsyncIterable<Uint8Array>,
  descriptor: Descriptor,
  offset: number,
): AsyncGenerator<Uint8Array, void, undefined> {
  let position = offset;
  for await (const chunk of bytes) {
    position += chunk.byteLength;
    if (position > descriptor.size)
      throw new ContentMismatchError(descriptor, `unexpected size: more than the expected ${descriptor.size} bytes`);
    yield chunk;
  }
  if (position !== descriptor.size)
    throw new ContentMismatchError(descriptor, `unexpected size ${position}, expected ${descriptor.size}`);
}

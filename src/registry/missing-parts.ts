import { decodeImageDocument, type Digest, type Reference } from "../oci/mod.ts";
import type { Endpoint } from "./endpoint.ts";
import type { RegistryHttp } from "./http.ts";
import { blobExists } from "./push-blob.ts";
import { lookUpManifest } from "./resolve.ts";
import { withoutRequest } from "./response-error.ts";

/** What registries say when they lack a blob, or a manifest, that a manifest names. */
const lacking =
  /blob.?unknown|unknown blob|\b(?:blobs?|layers?|manifests?|images?|references?)\b.*(?:not found|do(?:es)? not exist|(?:is|are) missing)/i;

/**
 * Whether a manifest was refused because something that it names is not there. Of what has just been pushed that is true for a moment only, or not
 * at all: registries that keep files write the link to a blob anew whenever somebody pushes it, and whoever reads it just then finds nothing.
 * @param message status and words, as errors have them
 */
export function lacksParts(status: number, message: string): boolean {
  return status >= 400 && status < 500 && status !== 401 && status !== 403 && lacking.test(withoutRequest(message));
}

/** A manifest and how often it was refused. */
export interface RefusedManifest {
  readonly mediaType: string;
  readonly bytes: Uint8Array;
  /** What the registry said last. */
  readonly message: string;
  readonly refusals: number;
}

/**
 * What is to be pushed again before a manifest is tried again: what the repository does not have. When it has everything and has refused the manifest
 * twice all the same, it is what the registry has named, or everything.
 */
export async function partsToPushAgain(
  http: RegistryHttp,
  endpoint: Endpoint,
  reference: Reference,
  { mediaType, bytes, message, refusals }: RefusedManifest,
  options: { signal: AbortSignal },
): Promise<readonly Digest[]> {
  const { digests, has } = partsOf(bytes, mediaType);
  const found = await Promise.all(
    digests.map(async (digest) => {
      try {
        if (has === "manifests")
          return (await lookUpManifest(http, endpoint, reference, digest, options)) !== undefined;
        return await blobExists(http, endpoint, reference, digest, { ...options, access: "push" });
      } catch {
        options.signal.throwIfAborted();
        return true; // nobody knows; what it says of the manifest tells more
      }
    }),
  );
  const absent = digests.filter((_, at) => !found[at]);
  if (absent.length > 0 || refusals !== 2) return absent;
  const named: readonly string[] = withoutRequest(message).match(/sha(?:256|384|512):[0-9a-f]+/g) ?? [];
  const known = digests.filter((digest) => named.includes(digest));
  return known.length > 0 ? known : digests;
}

function partsOf(
  bytes: Uint8Array,
  mediaType: string,
): { readonly digests: readonly Digest[]; readonly has: "blobs" | "manifests" } {
  try {
    const document = decodeImageDocument(bytes, mediaType);
    const isIndex = document.type === "index";
    const parts = isIndex ? document.index.manifests : [document.manifest.config, ...document.manifest.layers];
    const digests = parts.map(({ digest }) => digest);
    return { digests: [...new Set(digests)], has: isIndex ? "manifests" : "blobs" };
  } catch {
    return { digests: [], has: "blobs" }; // a kind of document that only registries understand
  }
}

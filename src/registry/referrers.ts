import {
  collectBytes,
  decodeIndex,
  type Descriptor,
  type Digest,
  digestHex,
  manifestLimitBytes,
  type Reference,
} from "../oci/mod.ts";
import { refusal } from "./access-error.ts";
import type { Endpoint } from "./endpoint.ts";
import type { ApiRequest, RegistryHttp } from "./http.ts";
import { resolveLocation } from "./location.ts";
import { acceptedManifests } from "./resolve.ts";
import { isWebPage } from "./response-error.ts";
import { repositoryScope } from "./scopes.ts";

/** A list in more pages than this is not worth having. */
const pageLimit = 50;

/** The tag under which registries without the referrers API keep the list of what refers to `digest`. */
export function referrersTag(digest: Digest): string {
  return `${digest.slice(0, digest.indexOf(":"))}-${digestHex(digest)}`;
}

/**
 * What a repository has that says something about `digest`: signatures, statements. From the referrers API, else from the tag that stands
 * in for it.
 * @see https://github.com/opencontainers/distribution-spec/blob/main/spec.md#listing-referrers
 */
export async function listReferrers(
  http: RegistryHttp,
  endpoint: Endpoint,
  reference: Reference,
  digest: Digest,
  options: { signal: AbortSignal },
): Promise<readonly Descriptor[]> {
  const { repository } = reference;
  const found: Descriptor[] = [];
  let path: string | undefined = `${repository}/referrers/${digest}`;
  for (let page = 0; path !== undefined && page < pageLimit; page++) {
    const answer: Page = await readPage(http, endpoint, reference, path, options);
    if (!answer.manifests) {
      if (page > 0) break;
      return (
        (await readPage(http, endpoint, reference, `${repository}/manifests/${referrersTag(digest)}`, options))
          .manifests ?? []
      );
    }
    found.push(...answer.manifests);
    path = answer.next;
  }
  return found;
}

interface Page {
  /** Absent: the registry has no such list. */
  readonly manifests?: readonly Descriptor[];
  readonly next?: string;
}

async function readPage(
  http: RegistryHttp,
  endpoint: Endpoint,
  reference: Reference,
  path: string,
  options: { signal: AbortSignal },
): Promise<Page> {
  const request: ApiRequest = {
    endpoint,
    method: "GET",
    path,
    scopes: [repositoryScope(reference.repository, "pull")],
    headers: { accept: acceptedManifests },
    lane: "document",
    signal: options.signal,
  };
  await using response = await http.send(request);
  // Registries that do not know the API say 404, 400 or 405, or show some page.
  if ([400, 404, 405, 406, 501].includes(response.status) || isWebPage(response)) return {};
  if (response.status !== 200) throw await refusal(http, response, request, "pull", reference);
  const { manifests } = decodeIndex(await collectBytes(response.body, { limitBytes: manifestLimitBytes }));
  const next = /<([^>]+)>\s*;\s*rel="?next"?/.exec(response.header("link") ?? "")?.[1];
  return { manifests, ...(next ? { next: resolveLocation(next, response.url, endpoint.name) } : {}) };
}

import { BuildError } from "../../../../base/errors/mod.ts";
import type { HttpResponse } from "../../../../registry/mod.ts";
import type { BlockBlobs } from "../../objects/block-blobs.ts";
import type { ServiceHttp } from "../../objects/service-http.ts";
import {
  type ActionsCache,
  type ActionsEntry,
  type ActionsOptions,
  answerOf,
  answerUnlessTaken,
  entryVersion,
  textField,
} from "./actions-cache.ts";

/** The second version of the API: calls that answer with signed URLs of Azure's blob storage, which has the bytes. */
export class ResultsService implements ActionsCache {
  readonly #base: string;
  readonly #http: ServiceHttp;
  readonly #blobs: BlockBlobs;

  /** @param parts.http sends the job's token along */
  constructor(parts: { readonly url: string; readonly http: ServiceHttp; readonly blobs: BlockBlobs }) {
    this.#base = `${parts.url}twirp/github.actions.results.api.v1.CacheService/`;
    this.#http = parts.http;
    this.#blobs = parts.blobs;
  }

  async find(keyPrefix: string, { signal }: ActionsOptions): Promise<ActionsEntry | undefined> {
    const request = { key: keyPrefix, restore_keys: [keyPrefix], version: entryVersion };
    const answer = await answerOf("look up", await this.#call("GetCacheEntryDownloadURL", request, signal));
    if (answer["ok"] !== true) return undefined;
    return {
      key: textField("look up", answer, "matched_key", "matchedKey"),
      url: new URL(textField("look up", answer, "signed_download_url", "signedDownloadUrl")),
    };
  }

  async save(
    key: string,
    open: (options: ActionsOptions) => AsyncIterable<Uint8Array>,
    { sizeBytes, signal }: ActionsOptions & { readonly sizeBytes: number },
  ): Promise<"saved" | "exists"> {
    const entry = { key, version: entryVersion };
    const reserved = await answerUnlessTaken("reserve", await this.#call("CreateCacheEntry", entry, signal));
    if (!reserved) return "exists";
    confirm("reserve", reserved);
    const url = new URL(textField("reserve", reserved, "signed_upload_url", "signedUploadUrl"));
    await this.#blobs.write(url, open({ signal }), { sizeBytes, signal });
    const size = { ...entry, size_bytes: String(sizeBytes) };
    confirm("commit", await answerOf("commit", await this.#call("FinalizeCacheEntryUpload", size, signal)));
    return "saved";
  }

  async open(url: URL, range: Readonly<Record<string, string>>, options: ActionsOptions): Promise<HttpResponse> {
    return await this.#blobs.open(url, range, options);
  }

  async #call(method: string, json: unknown, signal: AbortSignal): Promise<HttpResponse> {
    const body = new TextEncoder().encode(JSON.stringify(json));
    const headers = { "content-type": "application/json" };
    return await this.#http.send({ method: "POST", url: new URL(this.#base + method), headers, body, signal });
  }
}

function confirm(what: string, { ok, message }: Readonly<Record<string, unknown>>): void {
  if (ok === true) return;
  const why = typeof message === "string" && message !== "" ? `: ${message}` : "";
  throw new BuildError("unavailable", `github actions cache: failed to ${what} cache${why}`);
}

import type { Semaphore } from "../../../../base/async/mod.ts";
import { BuildError } from "../../../../base/errors/mod.ts";
import type { HttpResponse } from "../../../../registry/mod.ts";
import { serviceError, type ServiceHttp } from "../../objects/service-http.ts";
import { uploadParts } from "../../objects/upload-parts.ts";
import {
  type ActionsCache,
  type ActionsEntry,
  type ActionsOptions,
  answerOf,
  answerUnlessTaken,
  entryVersion,
  textField,
} from "./actions-cache.ts";

/** What is sent in one request: requests are counted. */
const chunkBytes = 32 * 1024 * 1024;

/** The first version of the API: REST below `_apis/artifactcache`, which takes chunks of bytes itself. */
export class ArtifactCache implements ActionsCache {
  readonly #base: string;
  readonly #http: ServiceHttp;
  readonly #storage: ServiceHttp;
  readonly #slots: Semaphore;

  /**
   * @param parts.http sends the job's token along
   * @param parts.storage sends requests as they are
   * @param parts.slots bounds how many chunks are in memory
   */
  constructor(parts: {
    readonly url: string;
    readonly http: ServiceHttp;
    readonly storage: ServiceHttp;
    readonly slots: Semaphore;
  }) {
    this.#base = `${parts.url}_apis/artifactcache/`;
    this.#http = parts.http;
    this.#storage = parts.storage;
    this.#slots = parts.slots;
  }

  async find(keyPrefix: string, { signal }: ActionsOptions): Promise<ActionsEntry | undefined> {
    const url = this.#url("cache");
    url.search = new URLSearchParams({ keys: keyPrefix, version: entryVersion }).toString();
    const answer = await answerOf("look up", await this.#http.send({ method: "GET", url, headers, signal }));
    if (!answer["cacheKey"]) return undefined;
    return {
      key: textField("look up", answer, "cacheKey"),
      url: new URL(textField("look up", answer, "archiveLocation")),
    };
  }

  async save(
    key: string,
    open: (options: ActionsOptions) => AsyncIterable<Uint8Array>,
    { sizeBytes, signal }: ActionsOptions & { readonly sizeBytes: number },
  ): Promise<"saved" | "exists"> {
    const body = { key, version: entryVersion };
    const reserved = await answerUnlessTaken("reserve", await this.#post("caches", body, signal));
    if (!reserved) return "exists";
    const id = reserved["cacheId"] ?? reserved["cacheID"];
    if (typeof id !== "number" || id === 0) {
      throw new BuildError("unavailable", "github actions cache: reserve: the answer has no cacheId");
    }
    const parts = { sizeBytes, partBytes: chunkBytes, slots: this.#slots, signal };
    await uploadParts(open({ signal }), parts, async ({ offsetBytes, bytes }, sending) => {
      const range = `bytes ${offsetBytes}-${offsetBytes + bytes.byteLength - 1}/*`;
      const chunk = { ...headers, "content-type": "application/octet-stream", "content-range": range };
      const url = this.#url(`caches/${id}`);
      await answerOf(
        "upload",
        await this.#http.send({ method: "PATCH", url, headers: chunk, body: bytes, ...sending }),
      );
    });
    await answerOf("commit", await this.#post(`caches/${id}`, { size: sizeBytes }, signal));
    return "saved";
  }

  async open(url: URL, range: Readonly<Record<string, string>>, { signal }: ActionsOptions): Promise<HttpResponse> {
    const response = await this.#storage.send({ method: "GET", url, headers: range, signal });
    if (response.status === 200 || response.status === 206) return response;
    throw await serviceError("github actions cache: download: unexpected status", response, () => undefined);
  }

  async #post(path: string, json: unknown, signal: AbortSignal): Promise<HttpResponse> {
    const body = new TextEncoder().encode(JSON.stringify(json));
    const all = { ...headers, "content-type": "application/json" };
    return await this.#http.send({ method: "POST", url: this.#url(path), headers: all, body, signal });
  }

  #url(path: string): URL {
    return new URL(this.#base + path);
  }
}

const headers = { accept: "application/json;api-version=6.0-preview.1" };

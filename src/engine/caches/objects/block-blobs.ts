import type { Semaphore } from "../../../base/async/mod.ts";
import { BuildError } from "../../../base/errors/mod.ts";
import { collectBytes } from "../../../oci/mod.ts";
import type { HttpResponse } from "../../../registry/mod.ts";
import { download } from "./download.ts";
import { elementOf, serviceError, type ServiceHttp, type ServiceRequest } from "./service-http.ts";
import { uploadParts } from "./upload-parts.ts";

/** Blobs up to this size are sent in one request, larger ones in blocks of it. */
const blockBytes = 8 * 1024 * 1024;
/** A blob can consist of no more blocks. */
const blockLimit = 50_000;
/** The version of the protocol: the first with conditions and blocks as they are used here is older. */
const version = "2021-12-02";

interface Options {
  readonly signal: AbortSignal;
}

/** Azure's protocol for blobs that consist of blocks. Who may use a blob is said by the `http`'s signatures, or by the URL itself. */
export class BlockBlobs {
  readonly #http: ServiceHttp;
  readonly #slots: Semaphore;

  /** @param slots bounds how many blocks are sent at once, and in memory */
  constructor(http: ServiceHttp, slots: Semaphore) {
    this.#http = http;
    this.#slots = slots;
  }

  async exists(url: URL, options: Options): Promise<boolean> {
    const response = await this.call({ method: "HEAD", url, ...options }, [200, 404]);
    await response.drop();
    return response.status === 200;
  }

  /** All of a small blob; `undefined`: it is not there. */
  async readAll(url: URL, options: Options & { readonly limitBytes: number }): Promise<Uint8Array | undefined> {
    const { signal, limitBytes } = options;
    const response = await this.call({ method: "GET", url, signal }, [200, 404]);
    if (response.status === 200) return await collectBytes(response.body, { limitBytes });
    await response.drop();
    return undefined;
  }

  read(url: URL, options: Options & { readonly sizeBytes: number }): AsyncIterable<Uint8Array> {
    return download((headers) => this.open(url, headers, options), { ...options, policy: this.#http.policy });
  }

  /** Asks for a blob, or for the range of it that headers want. */
  async open(url: URL, headers: Readonly<Record<string, string>>, { signal }: Options): Promise<HttpResponse> {
    return await this.call({ method: "GET", url, headers, signal }, [200, 206]);
  }

  /** Writes a blob of a known size, large ones in blocks, several at once. One that another has written in the meantime stays. */
  async write(
    url: URL,
    bytes: AsyncIterable<Uint8Array>,
    { sizeBytes, signal }: Options & { readonly sizeBytes: number },
  ): Promise<void> {
    const isNew = { "if-none-match": "*" };
    const parts = { sizeBytes, slots: this.#slots, signal };
    if (sizeBytes <= blockBytes) {
      await uploadParts(bytes, { ...parts, partBytes: blockBytes }, async (part, sending) => {
        await this.#put(
          { method: "PUT", url, headers: { ...blob, ...isNew }, body: part.bytes, ...sending },
          [201, 409, 412],
        );
      });
      return;
    }
    const partBytes = Math.max(blockBytes, Math.ceil(sizeBytes / blockLimit));
    const ids = await uploadParts(bytes, { ...parts, partBytes }, async ({ number, bytes: body }, sending) => {
      const id = Buffer.from(String(number).padStart(8, "0")).toString("base64");
      const block = withQuery(url, { comp: "block", blockid: id });
      await this.#put({ method: "PUT", url: block, body, ...sending }, [201]);
      return id;
    });
    const list = ids.map((id) => `<Latest>${id}</Latest>`).join("");
    const xml = `<?xml version="1.0" encoding="utf-8"?><BlockList>${list}</BlockList>`;
    const headers = { "content-type": "application/xml", ...isNew };
    const body = new TextEncoder().encode(xml);
    await this.#put(
      { method: "PUT", url: withQuery(url, { comp: "blocklist" }), headers, body, signal },
      [201, 409, 412],
    );
  }

  /** Writes a small blob, in place of what was there. */
  async writeAll(url: URL, body: Uint8Array, { signal }: Options): Promise<void> {
    await this.#put({ method: "PUT", url, headers: blob, body, signal }, [201]);
  }

  /** @throws {BuildError} when the answer is none of those */
  async call(request: ServiceRequest, wanted: readonly number[]): Promise<HttpResponse> {
    const response = await this.#http.send({ ...request, headers: { "x-ms-version": version, ...request.headers } });
    if (wanted.includes(response.status)) return response;
    throw await azureError(response);
  }

  /** Blobs that are there already answer 409 or 412; 409 has other reasons, too. */
  async #put(request: ServiceRequest, wanted: readonly number[]): Promise<void> {
    const response = await this.call(request, wanted);
    if (response.status === 409 && response.header("x-ms-error-code") !== "BlobAlreadyExists") {
      throw await azureError(response);
    }
    await response.drop();
  }
}

const blob = { "x-ms-blob-type": "BlockBlob", "content-type": "application/octet-stream" };

/** The URL with more of a query. What it has already stays as it is: it may be signed. */
export function withQuery(url: URL, query: Readonly<Record<string, string>>): URL {
  const more = new URL(url);
  const added = new URLSearchParams(query).toString();
  more.search = url.search === "" ? added : `${url.search.slice(1)}&${added}`;
  return more;
}

async function azureError(response: HttpResponse): Promise<BuildError> {
  const code = response.header("x-ms-error-code");
  return await serviceError("RESPONSE", response, (text) => {
    const named = code ?? elementOf(text, "Code");
    if (named === undefined) return undefined;
    const said = elementOf(text, "Message")?.split("\n")[0];
    return `ERROR CODE: ${named}${said === undefined ? "" : `: ${said}`}`;
  });
}

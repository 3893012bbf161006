import { Semaphore } from "../../../../base/async/mod.ts";
import type { AwsCredentials } from "../../../../aws/mod.ts";
import { BuildError } from "../../../../base/errors/mod.ts";
import { collectBytes } from "../../../../oci/mod.ts";
import type { HttpResponse } from "../../../../registry/mod.ts";
import type { CacheContext } from "../../backend.ts";
import { download } from "../../objects/download.ts";
import { elementOf, serviceError, ServiceHttp, type ServiceRequest, textOf } from "../../objects/service-http.ts";
import { uploadParts } from "../../objects/upload-parts.ts";
import type { S3Settings } from "./settings.ts";
import { awsEncode, awsSignature } from "./signature.ts";

/** Objects up to this size are sent in one request, larger ones in parts of it. */
const partBytes = 8 * 1024 * 1024;
/** S3 takes no more parts of one object. */
const partLimit = 10_000;
/** Larger objects are copied in parts. */
const copyLimitBytes = 5 * 1024 ** 3;
/** How long undoing an upload may take, whatever has become of the build. */
const abortTimeoutMs = 10_000;

/** What is known of an object. */
export interface S3Object {
  readonly sizeBytes: number;
  readonly modified: Date;
}

interface Call {
  /** Name of the operation, for messages. */
  readonly operation: string;
  readonly method: ServiceRequest["method"];
  readonly key: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
  readonly signal: AbortSignal;
}

interface Options {
  readonly signal: AbortSignal;
}

/** The objects of one bucket. */
export class S3Bucket {
  readonly #settings: S3Settings;
  readonly #http: ServiceHttp;
  readonly #slots: Semaphore;

  constructor(settings: S3Settings, credentials: AwsCredentials, context: Pick<CacheContext, "transport" | "hosts">) {
    const { region, endpoint, attempts, isAdaptive } = settings;
    this.#settings = settings;
    this.#slots = new Semaphore(settings.uploadsAtOnce);
    this.#http = new ServiceHttp({
      ...context,
      service: `the S3 endpoint ${JSON.stringify(endpoint)}`,
      sign: ({ method, url, headers = {}, body }) => ({
        // Not signed, as proxies of some services change it.
        ...(settings.sendsAcceptEncoding ? { "accept-encoding": "identity" } : {}),
        ...awsSignature({ method, url, headers, body }, credentials, { region, now: new Date() }),
      }),
      policy: { attempts, baseDelayMs: 500, longestDelayMs: 20_000 },
      sharesPauses: isAdaptive,
    });
  }

  /** What is known of an object; `undefined`: it is not there. */
  async find(key: string, { signal }: Options): Promise<S3Object | undefined> {
    const response = await this.#call({ operation: "HeadObject", method: "HEAD", key, signal }, [200, 404]);
    await response.drop();
    if (response.status === 404) return undefined;
    const modified = new Date(response.header("last-modified") ?? "");
    return { sizeBytes: Number(response.header("content-length") ?? 0), modified };
  }

  /** All of a small object; `undefined`: it is not there. */
  async readAll(key: string, options: Options & { readonly limitBytes: number }): Promise<Uint8Array | undefined> {
    const { signal, limitBytes } = options;
    const response = await this.#call({ operation: "GetObject", method: "GET", key, signal }, [200, 404]);
    if (response.status === 404) {
      const text = await textOf(response);
      const code = elementOf(text, "Code");
      if (code === undefined || code === "NoSuchKey") return undefined;
      throw new BuildError(
        "not_found",
        `operation error S3: GetObject, api error ${code}: ${elementOf(text, "Message")}`,
      );
    }
    return await collectBytes(response.body, { limitBytes });
  }

  read(key: string, { signal, sizeBytes }: Options & { readonly sizeBytes: number }): AsyncIterable<Uint8Array> {
    const open = (headers: Readonly<Record<string, string>>) =>
      this.#call({ operation: "GetObject", method: "GET", key, headers, signal }, [200, 206]);
    return download(open, { sizeBytes, policy: this.#http.policy, signal });
  }

  /** Writes an object of a known size; those that are large in parts, several at once. */
  async write(
    key: string,
    bytes: AsyncIterable<Uint8Array>,
    options: Options & { readonly sizeBytes: number },
  ): Promise<void> {
    const { sizeBytes, signal } = options;
    const parts = { sizeBytes, slots: this.#slots, signal };
    if (sizeBytes <= partBytes) {
      await uploadParts(bytes, { ...parts, partBytes }, (part, sending) => this.writeAll(key, part.bytes, sending));
      return;
    }
    const size = Math.max(partBytes, Math.ceil(sizeBytes / partLimit));
    await this.#inParts({ operation: "CreateMultipartUpload", method: "POST", key, signal }, async (uploadId) => {
      return await uploadParts(bytes, { ...parts, partBytes: size }, async ({ number, bytes: body }, sending) => {
        const query = { partNumber: String(number), uploadId };
        const response = await this.#call(
          { operation: "UploadPart", method: "PUT", key, query, body, ...sending },
          [200],
        );
        await response.drop();
        return response.header("etag") ?? "";
      });
    });
  }

  async writeAll(key: string, body: Uint8Array, { signal }: Options): Promise<void> {
    const response = await this.#call({ operation: "PutObject", method: "PUT", key, body, signal }, [200]);
    await response.drop();
  }

  /** Makes an object as young as one that was just written. */
  async touch(key: string, { sizeBytes }: S3Object, { signal }: Options): Promise<void> {
    const source = { "x-amz-copy-source": `${awsEncode(this.#settings.bucket)}/${encodeKey(key)}` };
    const fresh = { "x-amz-meta-updated-at": new Date().toISOString() };
    if (sizeBytes < copyLimitBytes) {
      const headers = { ...source, ...fresh, "x-amz-metadata-directive": "REPLACE" };
      await this.#document({ operation: "CopyObject", method: "PUT", key, headers, signal });
      return;
    }
    const create: Call = { operation: "CreateMultipartUpload", method: "POST", key, headers: fresh, signal };
    await this.#inParts(create, async (uploadId) => {
      const etags: string[] = [];
      for (let begin = 0; begin < sizeBytes; begin += copyLimitBytes) {
        const end = Math.min(begin + copyLimitBytes, sizeBytes) - 1;
        const headers = { ...source, "x-amz-copy-source-range": `bytes=${begin}-${end}` };
        const query = { partNumber: String(etags.length + 1), uploadId };
        const copied = await this.#document({
          operation: "UploadPartCopy",
          method: "PUT",
          key,
          query,
          headers,
          signal,
        });
        etags.push(elementOf(copied, "ETag") ?? "");
      }
      return etags;
    });
  }

  /** Makes an object of parts, in order, of which nothing stays when one of them fails. @param send sends them, and gives their ETags */
  async #inParts(create: Call, send: (uploadId: string) => Promise<readonly string[]>): Promise<void> {
    const { key, signal } = create;
    const uploadId = elementOf(await this.#document({ ...create, query: { uploads: "" } }), "UploadId") ?? "";
    const query = { uploadId };
    try {
      const etags = await send(uploadId);
      const parts = etags.map(
        (etag, at) => `<Part><PartNumber>${at + 1}</PartNumber><ETag>${escape(etag)}</ETag></Part>`,
      );
      const namespace = "http://s3.amazonaws.com/doc/2006-03-01/";
      const xml = `<CompleteMultipartUpload xmlns="${namespace}">${parts.join("")}</CompleteMultipartUpload>`;
      const body = new TextEncoder().encode(xml);
      const headers = { "content-type": "application/xml" };
      await this.#document({ operation: "CompleteMultipartUpload", method: "POST", key, query, headers, body, signal });
    } catch (error) {
      const undo = { key, query, signal: AbortSignal.timeout(abortTimeoutMs) };
      const aborted = this.#call({ operation: "AbortMultipartUpload", method: "DELETE", ...undo }, [204, 404]);
      await aborted.then((response) => response.drop()).catch(() => undefined); // the first failure is the one to tell
      throw error;
    }
  }

  /** The document that a call answers with. S3 tells some failures after it has said that all is well. */
  async #document(call: Call): Promise<string> {
    const text = await textOf(await this.#call(call, [200]));
    if (!/<Error>/.test(text)) return text;
    throw new BuildError("unavailable", `operation error S3: ${call.operation}, ${apiError(text)}`);
  }

  async #call(call: Call, wanted: readonly number[]): Promise<HttpResponse> {
    const { operation, method, key, query = {}, headers = {}, body, signal } = call;
    const url = new URL(this.#settings.base);
    url.pathname += encodeKey(key);
    for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
    const request = { method, url, headers, ...(body === undefined ? {} : { body }), signal };
    const response = await this.#http.send(request);
    if (wanted.includes(response.status)) return response;
    const what = `operation error S3: ${operation}, https response error StatusCode:`;
    throw await serviceError(what, response, (text) => this.#explain(text, response.status));
  }

  /** Answers to HEAD have no body that would say more. */
  #explain(text: string, status: number): string | undefined {
    const said = apiError(text) ?? (status === 403 ? "api error Forbidden: Forbidden" : undefined);
    if (status !== 403 && status !== 401) return said;
    const { bucket } = this.#settings;
    return `${said}: check access_key_id, secret_access_key and session_token, and what they may do in bucket ${JSON.stringify(bucket)}`;
  }
}

function apiError(xml: string): string | undefined {
  const code = elementOf(xml, "Code");
  return code === undefined ? undefined : `api error ${code}: ${elementOf(xml, "Message") ?? ""}`;
}

function encodeKey(key: string): string {
  return key.split("/").map(awsEncode).join("/");
}

function escape(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");
}

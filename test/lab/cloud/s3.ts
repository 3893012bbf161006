import { createHash, createHmac, timingSafeEqual } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { bodyOf, sendObject, type Served, serve } from "./served.ts";

/** Objects as a service for S3's protocol keeps them, in memory. */
export interface LabS3 extends Served {
  /** By key. */
  readonly objects: Map<string, { readonly bytes: Buffer; modified: Date }>;
  /** What was done, in order: the operation, the key, and the status, for instance `UploadPart blobs/sha256:… 200`. */
  readonly operations: string[];
  /** The next answers, in order, whatever is asked. `SlowDown`: a refusal for the moment; `cut`: the next download breaks off. */
  readonly faults: ("SlowDown" | "cut")[];
}

/** Who may use a bucket. */
export interface S3User {
  readonly bucket: string;
  readonly region: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

/** S3 takes no smaller parts, but for the last. */
const smallestPart = 5 * 1024 * 1024;

class Refusal extends Error {
  readonly status: number;
  readonly code: string;
  constructor(status: number, code: string, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

/** Starts a service with one bucket, which takes signed requests only: by path, or by host where that begins with the bucket's name. */
export async function startS3(user: S3User): Promise<LabS3> {
  const objects: LabS3["objects"] = new Map();
  const uploads = new Map<string, { readonly key: string; readonly parts: Map<number, Buffer> }>();
  const operations: string[] = [];
  const faults: LabS3["faults"] = [];

  const put = (key: string, bytes: Buffer) => {
    objects.set(key, { bytes, modified: new Date() });
    return etagOf(bytes);
  };
  const uploadOf = (id: string | null, key: string) => {
    const upload = uploads.get(id ?? "");
    if (upload?.key !== key) throw new Refusal(404, "NoSuchUpload", "The specified multipart upload does not exist.");
    return upload;
  };
  const complete = (key: string, id: string | null, xml: string) => {
    const { parts } = uploadOf(id, key);
    const named = [...xml.matchAll(/<PartNumber>(\d+)<\/PartNumber><ETag>([^<]*)<\/ETag>/g)];
    const bytes = named.map(([, number, etag], at) => {
      const part = parts.get(Number(number));
      if (
        !part ||
        etag?.replaceAll("&quot;", '"') !== etagOf(part) ||
        Number(number) <= Number(named[at - 1]?.[1] ?? 0)
      ) {
        throw new Refusal(400, "InvalidPart", "One or more of the specified parts could not be found.");
      }
      if (at < named.length - 1 && part.byteLength < smallestPart) {
        throw new Refusal(400, "EntityTooSmall", "Your proposed upload is smaller than the minimum allowed size");
      }
      return part;
    });
    uploads.delete(id ?? "");
    return `<CompleteMultipartUploadResult><ETag>${put(key, Buffer.concat(bytes))}</ETag></CompleteMultipartUploadResult>`;
  };

  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { method = "", headers } = request;
    const url = new URL(request.url ?? "", `http://${headers.host}`);
    const body = await bodyOf(request);
    const host = headers.host?.startsWith(`${user.bucket}.`) ?? false;
    const path = decodeURIComponent(url.pathname).slice(1);
    const key = host ? path : path.slice(path.indexOf("/") + 1);
    const query = url.searchParams;
    const operation = operationOf(method, query, headers);
    const done = (status: number, text = "", more: Readonly<Record<string, string>> = {}) => {
      operations.push(`${operation} ${key} ${status}`);
      response.writeHead(status, { "content-length": String(Buffer.byteLength(text)), ...more });
      response.end(method === "HEAD" ? "" : text);
    };
    try {
      checkSignature(request, url, body, user);
      if (!host && path.slice(0, path.indexOf("/")) !== user.bucket) {
        throw new Refusal(404, "NoSuchBucket", "The specified bucket does not exist");
      }
      if (faults[0] === "SlowDown") {
        faults.shift();
        throw new Refusal(503, "SlowDown", "Please reduce your request rate.");
      }
      const found = objects.get(key);
      switch (operation) {
        case "HeadObject":
        case "GetObject": {
          if (!found) throw new Refusal(404, "NoSuchKey", "The specified key does not exist.");
          const cut = faults[0] === "cut" && method === "GET" && found.bytes.byteLength > 4096;
          if (cut) faults.shift();
          operations.push(`${operation} ${key} 200${headers.range ? ` ${headers.range}` : ""}`);
          const etag = etagOf(found.bytes);
          const about = { etag, "last-modified": found.modified.toUTCString() };
          return sendObject(request, response, found.bytes, about, cut ? 4096 : undefined);
        }
        case "PutObject":
          return done(200, "", { etag: put(key, body) });
        case "CopyObject": {
          const source = decodeURIComponent(String(headers["x-amz-copy-source"]));
          const original = objects.get(source.slice(source.indexOf("/") + 1));
          if (!original) throw new Refusal(404, "NoSuchKey", "The specified key does not exist.");
          if (headers["x-amz-metadata-directive"] !== "REPLACE" && source === `${user.bucket}/${key}`) {
            throw new Refusal(400, "InvalidRequest", "This copy request is illegal because it changes nothing.");
          }
          return done(200, `<CopyObjectResult><ETag>${put(key, original.bytes)}</ETag></CopyObjectResult>`);
        }
        case "CreateMultipartUpload": {
          const id = `${uploads.size + 1}+/=`;
          uploads.set(id, { key, parts: new Map() });
          return done(200, `<InitiateMultipartUploadResult><UploadId>${id}</UploadId></InitiateMultipartUploadResult>`);
        }
        case "UploadPart":
          uploadOf(query.get("uploadId"), key).parts.set(Number(query.get("partNumber")), body);
          return done(200, "", { etag: etagOf(body) });
        case "CompleteMultipartUpload":
          return done(200, complete(key, query.get("uploadId"), body.toString()));
        case "AbortMultipartUpload":
          uploadOf(query.get("uploadId"), key);
          uploads.delete(query.get("uploadId") ?? "");
          return done(204);
        default:
          throw new Refusal(
            501,
            "NotImplemented",
            "A header you provided implies functionality that is not implemented",
          );
      }
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      const text = `<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${error.code}</Code><Message>${error.message}</Message></Error>`;
      done(error.status, text, { "content-type": "application/xml" });
    }
  };
  const served = await serve((request, response) => {
    answer(request, response).catch((error: unknown) => response.destroy(error as Error));
  });
  return { ...served, objects, operations, faults };
}

function operationOf(method: string, query: URLSearchParams, headers: IncomingMessage["headers"]): string {
  if (method === "HEAD") return "HeadObject";
  if (method === "GET") return "GetObject";
  if (method === "DELETE" && query.has("uploadId")) return "AbortMultipartUpload";
  if (method === "POST") return query.has("uploads") ? "CreateMultipartUpload" : "CompleteMultipartUpload";
  if (method !== "PUT") return method;
  if (query.has("partNumber")) return "UploadPart";
  return headers["x-amz-copy-source"] ? "CopyObject" : "PutObject";
}

function etagOf(bytes: Buffer): string {
  return `"${createHash("md5").update(bytes).digest("hex")}"`;
}

/** Signature Version 4, as the reference of S3's API has it. */
function checkSignature({ method, headers }: IncomingMessage, url: URL, body: Buffer, user: S3User): void {
  const [, id, date, region, signedNames, signature] =
    /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^/]+)\/s3\/aws4_request, ?SignedHeaders=([^,]+), ?Signature=([0-9a-f]{64})$/.exec(
      headers.authorization ?? "",
    ) ?? [];
  if (id === undefined || signedNames === undefined || signature === undefined) {
    throw new Refusal(403, "AccessDenied", "Access Denied");
  }
  if (id !== user.accessKeyId) {
    throw new Refusal(403, "InvalidAccessKeyId", "The AWS Access Key Id you provided does not exist in our records.");
  }
  if (headers["x-amz-security-token"] !== user.sessionToken) {
    throw new Refusal(400, "InvalidToken", "The provided token is malformed or otherwise invalid.");
  }
  if (region !== user.region) {
    throw new Refusal(
      400,
      "AuthorizationHeaderMalformed",
      `the region '${region}' is wrong; expecting '${user.region}'`,
    );
  }
  const time = String(headers["x-amz-date"]);
  const at = Date.parse(time.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, "$1-$2-$3T$4:$5:$6Z"));
  if (!(Math.abs(Date.now() - at) < 15 * 60_000)) {
    throw new Refusal(
      403,
      "RequestTimeTooSkewed",
      "The difference between the request time and the current time is too large.",
    );
  }
  const payload = String(headers["x-amz-content-sha256"]);
  if (payload !== "UNSIGNED-PAYLOAD" && payload !== createHash("sha256").update(body).digest("hex")) {
    throw new Refusal(400, "XAmzContentSHA256Mismatch", "The provided 'x-amz-content-sha256' header does not match.");
  }
  const names = signedNames.split(";");
  const mustBeSigned = ["host", ...Object.keys(headers).filter((name) => name.startsWith("x-amz-"))];
  if (!mustBeSigned.every((name) => names.includes(name))) throw new Refusal(403, "AccessDenied", "unsigned headers");
  const pairs = url.search
    .slice(1)
    .split("&")
    .filter((pair) => pair !== "");
  const canonicalQuery = pairs.map((pair) => (pair.includes("=") ? pair : `${pair}=`)).toSorted();
  const canonical = [
    method,
    url.pathname,
    canonicalQuery.join("&"),
    ...names.map((name) => `${name}:${String(headers[name]).trim()}`),
    "",
    signedNames,
    payload,
  ].join("\n");
  const scope = `${date}/${region}/s3/aws4_request`;
  const text = `AWS4-HMAC-SHA256\n${time}\n${scope}\n${createHash("sha256").update(canonical).digest("hex")}`;
  const hmac = (key: string | Buffer, data: string) => createHmac("sha256", key).update(data).digest();
  const key = hmac(hmac(hmac(hmac(`AWS4${user.secretAccessKey}`, date ?? ""), region), "s3"), "aws4_request");
  if (!timingSafeEqual(hmac(key, text), Buffer.from(signature, "hex"))) {
    throw new Refusal(
      403,
      "SignatureDoesNotMatch",
      "The request signature we calculated does not match the signature you provided.",
    );
  }
}

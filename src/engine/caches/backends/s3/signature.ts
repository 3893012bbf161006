import { createHash, createHmac } from "node:crypto";
import type { AwsCredentials } from "../../../../aws/mod.ts";

/** A request that is to be signed. */
export interface SignableRequest {
  readonly method: string;
  /** Its path is encoded, once, and its query is as `URLSearchParams` writes it. */
  readonly url: URL;
  /** All of them are signed; names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array | undefined;
}

/**
 * The headers that say who asks, by AWS's Signature Version 4 for S3: for this request only, and for some minutes.
 * @see https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
 */
export function awsSignature(
  request: SignableRequest,
  credentials: AwsCredentials,
  { region, now }: { readonly region: string; readonly now: Date },
): Readonly<Record<string, string>> {
  const time = now.toISOString().replaceAll(/[-:]|\.\d+/g, "");
  const scope = `${time.slice(0, 8)}/${region}/s3/aws4_request`;
  const payload = createHash("sha256")
    .update(request.body ?? "")
    .digest("hex");
  const added = {
    "x-amz-content-sha256": payload,
    "x-amz-date": time,
    ...(credentials.sessionToken === undefined ? {} : { "x-amz-security-token": credentials.sessionToken }),
  };
  const headers = Object.entries({ ...request.headers, ...added, host: request.url.host }).toSorted(byName);
  const signed = headers.map(([name]) => name).join(";");
  const canonical = [
    request.method,
    request.url.pathname,
    [...request.url.searchParams]
      .map(([key, value]) => [awsEncode(key), awsEncode(value)] as const)
      .toSorted(byName)
      .map(([key, value]) => `${key}=${value}`)
      .join("&"),
    ...headers.map(([name, value]) => `${name}:${value.trim().replaceAll(/ +/g, " ")}`),
    "",
    signed,
    payload,
  ].join("\n");
  const text = ["AWS4-HMAC-SHA256", time, scope, createHash("sha256").update(canonical).digest("hex")].join("\n");
  const key = scope.split("/").reduce<string | Buffer>(hmac, `AWS4${credentials.secretAccessKey}`);
  const signature = createHmac("sha256", key).update(text).digest("hex");
  const said = `Credential=${credentials.accessKeyId}/${scope},SignedHeaders=${signed},Signature=${signature}`;
  return { ...added, authorization: `AWS4-HMAC-SHA256 ${said}` };
}

/** Encodes all but letters, digits and `-._~`, as signatures want it. */
export function awsEncode(text: string): string {
  return encodeURIComponent(text).replaceAll(
    /[!'()*]/g,
    (letter) => `%${letter.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

function hmac(key: string | Buffer, text: string): Buffer {
  return createHmac("sha256", key).update(text).digest();
}

function byName([a]: readonly [string, string], [b]: readonly [string, string]): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

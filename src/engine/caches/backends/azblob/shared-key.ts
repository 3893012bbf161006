import { createHmac } from "node:crypto";
import type { ServiceRequest } from "../../objects/service-http.ts";

/** Headers whose values are signed, in this order; `content-length` is the fourth. */
const signedHeaders = [
  "content-encoding",
  "content-language",
  "content-length",
  "content-md5",
  "content-type",
  "date",
  "if-modified-since",
  "if-match",
  "if-none-match",
  "if-unmodified-since",
  "range",
];

/**
 * The headers that say who asks, by a key of the storage account, for this request only.
 * @see https://learn.microsoft.com/en-us/rest/api/storageservices/authorize-with-shared-key
 */
export function sharedKeySignature(
  { method, url, headers = {}, body }: Pick<ServiceRequest, "method" | "url" | "headers" | "body">,
  { account, key, now }: { readonly account: string; readonly key: Buffer; readonly now: Date },
): Readonly<Record<string, string>> {
  const date = { "x-ms-date": now.toUTCString() };
  const length = body === undefined || body.byteLength === 0 ? "" : String(body.byteLength);
  const all: Readonly<Record<string, string>> = { ...headers, ...date, "content-length": length };
  const own = Object.keys(all)
    .filter((name) => name.startsWith("x-ms-"))
    .toSorted((a, b) => (a < b ? -1 : 1));
  const names = [...new Set([...url.searchParams.keys()].map((name) => name.toLowerCase()))].toSorted((a, b) =>
    a < b ? -1 : 1,
  );
  const text = [
    method,
    ...signedHeaders.map((name) => all[name] ?? ""),
    ...own.map((name) => `${name}:${all[name]}`),
    `/${account}${url.pathname}`,
    ...names.map((name) => `${name}:${url.searchParams.getAll(name).join(",")}`),
  ].join("\n");
  const signature = createHmac("sha256", key).update(text).digest("base64");
  return { ...date, authorization: `SharedKey ${account}:${signature}` };
}

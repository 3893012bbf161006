import { BuildError } from "../../../base/errors/mod.ts";
import { type Digest, isDigest } from "../../../oci/mod.ts";

/** How a fetched file is to lie in its tree, and what its server is told. */
export interface FileWishes {
  readonly filename: string | undefined;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly checksum: Digest | undefined;
  /** Name of the secret that is the `Authorization` of the request; empty: those that are named after the host. */
  readonly authSecret: string;
  /** Of the request, by their names in small letters. */
  readonly headers: Readonly<Record<string, string>>;
}

const headerPrefix = "http.header.";
const allowedHeaders = ["accept", "user-agent"];

/** @throws {BuildError} `invalid_argument` for what makes no sense, `unimplemented` for what cannot be done yet */
export function readWishes(address: string, attrs: Readonly<Record<string, string>>): FileWishes {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(attrs)) {
    if (name.startsWith("http.sig")) {
      throw new BuildError("unimplemented", `${address}: source attribute ${name} is not supported yet`);
    }
    if (!name.startsWith(headerPrefix)) continue;
    const header = name.slice(headerPrefix.length);
    if (!allowedHeaders.includes(header) || /[^\t\x20-\x7e]/.test(value)) {
      throw new BuildError("invalid_argument", `${address}: invalid http header attribute ${name}`);
    }
    headers[header] = value;
  }
  const checksum = attrs["http.checksum"] || undefined;
  if (checksum !== undefined && !isDigest(checksum)) {
    throw new BuildError("invalid_argument", `${address}: invalid http.checksum ${checksum}`);
  }
  const filename = attrs["http.filename"] || undefined;
  if (filename !== undefined && (filename.includes("/") || filename === "." || filename === "..")) {
    throw new BuildError("invalid_argument", `${address}: invalid http.filename ${filename}`);
  }
  return {
    filename,
    checksum,
    authSecret: attrs["http.authheadersecret"] ?? "",
    headers,
    mode: number(attrs, "http.perm", 8) ?? 0o600,
    uid: number(attrs, "http.uid", 10) ?? 0,
    gid: number(attrs, "http.gid", 10) ?? 0,
  };
}

function number(attrs: Readonly<Record<string, string>>, name: string, base: 8 | 10): number | undefined {
  const text = attrs[name];
  if (text === undefined || text === "") return undefined;
  if (!(base === 8 ? /^[0-7]{1,5}$/ : /^\d{1,9}$/).test(text)) {
    throw new BuildError("invalid_argument", `invalid ${name} ${JSON.stringify(text)}`);
  }
  return Number.parseInt(text, base);
}

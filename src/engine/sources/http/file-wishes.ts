import { BuildError } from "../../../base/errors/mod.ts";
import { type Digest, isDigest } from "../../../oci/mod.ts";
import { type FileAttributes, readFileAttributes } from "../single-file/file-attributes.ts";

/** How a fetched file is to lie in its tree, what its server is told, and what must be true of it. */
export interface FileWishes extends FileAttributes {
  readonly checksum: Digest | undefined;
  /** Name of the secret that is the `Authorization` of the request; empty: those that are named after the host. */
  readonly authSecret: string;
  /** Of the request, by their names in small letters. */
  readonly headers: Readonly<Record<string, string>>;
  readonly signature: WantedSignature | undefined;
}

/** An OpenPGP signature that a file must have, and the keys of which one must have made it; both armored. */
export interface WantedSignature {
  readonly keys: string;
  readonly signature: string;
}

const headerPrefix = "http.header.";
const allowedHeaders = ["accept", "user-agent"];

/** @throws {BuildError} `invalid_argument` for what makes no sense */
export function readWishes(address: string, attrs: Readonly<Record<string, string>>): FileWishes {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(attrs)) {
    if (!name.startsWith(headerPrefix)) continue;
    const header = name.slice(headerPrefix.length).toLowerCase();
    if (!allowedHeaders.includes(header) || /[^\t\x20-\x7e]/.test(value)) {
      throw new BuildError("invalid_argument", `${address}: invalid http header attribute ${name}`);
    }
    headers[header] = value;
  }
  const checksum = attrs["http.checksum"] || undefined;
  if (checksum !== undefined && !isDigest(checksum)) {
    throw new BuildError("invalid_argument", `${address}: invalid http.checksum ${checksum}`);
  }
  const { "http.sig.pubkey": keys = "", "http.sig.signature": signature = "" } = attrs;
  if ((keys === "") !== (signature === "")) {
    throw new BuildError("invalid_argument", "http signature verification requires both pubkey and signature");
  }
  return {
    ...readFileAttributes(address, attrs),
    checksum,
    authSecret: attrs["http.authheadersecret"] ?? "",
    headers,
    signature: keys === "" ? undefined : { keys, signature },
  };
}

import { createHash, createPublicKey, type KeyObject, verify } from "node:crypto";
import { BuildError } from "../../base/errors/mod.ts";
import { ByteReader } from "../byte-reader.ts";

/** What {@link verifySsh} goes by. */
export interface SshOptions {
  /** As `ssh-keygen -Y sign` writes it. */
  readonly signature: string;
  /** The key that is trusted, as in `authorized_keys`. */
  readonly key: string;
  /** What the signature must be for: `git`, `file`. */
  readonly namespace: string;
}

/**
 * Checks that the key has signed the data: with Ed25519, RSA or ECDSA.
 * @throws {BuildError} `failed_precondition` when it has not; `invalid_argument` when the signature or the key is none
 * @see https://github.com/openssh/openssh-portable/blob/master/PROTOCOL.sshsig
 */
export function verifySsh(data: Uint8Array, { signature, key, namespace }: SshOptions): void {
  const reader = new ByteReader(decode(signature), "ssh signature");
  if (reader.take(magic.length).toString("latin1") !== magic)
    throw invalid("failed to parse ssh signature: wrong magic");
  const version = reader.uint32();
  if (version !== 1) throw invalid(`unsupported SSH signature version: ${version}`);
  const signer = text(reader);
  const purpose = text(reader).toString("utf8");
  const reserved = text(reader);
  const hash = text(reader).toString("latin1");
  const proof = new ByteReader(text(reader), "ssh signature");
  if (hash !== "sha256" && hash !== "sha512") throw invalid(`unsupported SSH signature hash algorithm: ${hash}`);
  if (purpose !== namespace) throw refused(`unexpected SSH signature namespace: ${JSON.stringify(purpose)}`);
  const trusted = trustedKey(key);
  if (!trusted.equals(signer)) throw refused("failed to verify ssh signature: made by another key");
  const parts = [Buffer.from(purpose), reserved, Buffer.from(hash), createHash(hash).update(data).digest()];
  const signed = Buffer.concat([Buffer.from(magic), ...parts.map(prefixed)]);
  const method = text(proof).toString("latin1");
  if (!isSigned(signed, method, text(proof), trusted))
    throw refused("failed to verify ssh signature: invalid signature");
}

const magic = "SSHSIG";

function decode(armored: string): Uint8Array {
  const [, body] = /-----BEGIN SSH SIGNATURE-----\s*([A-Za-z0-9+/=\s]*)-----END SSH SIGNATURE-----/.exec(armored) ?? [];
  if (body === undefined) throw invalid("failed to decode ssh signature PEM block");
  return Buffer.from(body.replace(/\s/g, ""), "base64");
}

/** The key of the first line that has one; options before it mean nothing here. */
function trustedKey(authorized: string): Buffer {
  for (const line of authorized.split(/\r?\n/)) {
    if (/^\s*(?:#|$)/.test(line)) continue;
    const [, type = "", blob = ""] = /(?:^|\s)((?:ssh|ecdsa|sk)-\S+) ([A-Za-z0-9+/]+={0,2})(?:\s|$)/.exec(line) ?? [];
    const bytes = Buffer.from(blob, "base64");
    if (blob !== "" && text(new ByteReader(bytes, "ssh public key")).toString("latin1") === type) return bytes;
  }
  throw invalid("failed to parse ssh public key: no key found");
}

const ecdsaCurves: Readonly<Record<string, { readonly crv: string; readonly size: number; readonly hash: string }>> = {
  "ecdsa-sha2-nistp256": { crv: "P-256", size: 32, hash: "sha256" },
  "ecdsa-sha2-nistp384": { crv: "P-384", size: 48, hash: "sha384" },
  "ecdsa-sha2-nistp521": { crv: "P-521", size: 66, hash: "sha512" },
};

function isSigned(data: Uint8Array, method: string, proof: Buffer, blob: Buffer): boolean {
  const reader = new ByteReader(blob, "ssh public key");
  const type = text(reader).toString("latin1");
  const curve = ecdsaCurves[type];
  if (type === "ssh-ed25519" && method === type) {
    return verify(null, data, imported({ kty: "OKP", crv: "Ed25519", x: text(reader).toString("base64url") }), proof);
  }
  if (type === "ssh-rsa" && (method === "rsa-sha2-256" || method === "rsa-sha2-512")) {
    const e = integer(reader).toString("base64url");
    const key = imported({ kty: "RSA", e, n: integer(reader).toString("base64url") });
    return verify(method === "rsa-sha2-256" ? "sha256" : "sha512", data, key, proof);
  }
  if (curve && method === type) {
    text(reader); // the curve's name once more
    const point = text(reader);
    if (point[0] !== 4 || point.length !== 1 + 2 * curve.size)
      throw invalid("failed to parse ssh public key: no point");
    const x = point.subarray(1, 1 + curve.size).toString("base64url");
    const y = point.subarray(1 + curve.size).toString("base64url");
    const pair = new ByteReader(proof, "ssh signature");
    const numbers = [integer(pair), integer(pair)];
    if (numbers.some(({ byteLength }) => byteLength > curve.size)) return false;
    const fixed = numbers.map((number) => Buffer.concat([Buffer.alloc(curve.size - number.byteLength), number]));
    const key = imported({ kty: "EC", crv: curve.crv, x, y });
    return verify(curve.hash, data, { key, dsaEncoding: "ieee-p1363" }, Buffer.concat(fixed));
  }
  throw invalid(`unsupported ssh key type ${type} with signature ${method}`);
}

function imported(key: Readonly<Record<string, string>>): KeyObject {
  try {
    return createPublicKey({ key: { ...key }, format: "jwk" });
  } catch (cause) {
    throw new BuildError("invalid_argument", "failed to parse ssh public key", { cause });
  }
}

function text(reader: ByteReader): Buffer {
  return reader.take(reader.uint32());
}

/** Without the zero that keeps it positive. */
function integer(reader: ByteReader): Buffer {
  const bytes = text(reader);
  return bytes[0] === 0 ? bytes.subarray(1) : bytes;
}

function prefixed(bytes: Uint8Array): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.byteLength);
  return Buffer.concat([length, bytes]);
}

const invalid = (message: string) => new BuildError("invalid_argument", message);
const refused = (message: string) => new BuildError("failed_precondition", message);

import { createPrivateKey, type KeyObject, type webcrypto } from "node:crypto";
import { BuildError, messageOf } from "../base/errors/mod.ts";
import { WireReader } from "./wire.ts";

const marker = "openssh-key-v1\0";
const passphrase = "this private key is passphrase protected: add it to an ssh-agent and give the agent's socket";

/**
 * Reads a private key without a passphrase: OpenSSH's own format, PKCS #8, PKCS #1 or SEC 1, each in PEM; Ed25519, RSA or ECDSA.
 * @throws {BuildError} `invalid_argument`; never with a part of the key in its words
 */
export function parsePrivateKey(text: string): KeyObject {
  const body = /-----BEGIN OPENSSH PRIVATE KEY-----([A-Za-z0-9+/=\s]+)-----END OPENSSH PRIVATE KEY-----/.exec(
    text,
  )?.[1];
  if (body !== undefined) return checked(readOpenSsh(Buffer.from(body, "base64")));
  if (!text.includes("-----BEGIN ")) throw new BuildError("invalid_argument", "no key found");
  if (/ENCRYPTED/.test(text)) throw new BuildError("invalid_argument", passphrase);
  try {
    return checked(createPrivateKey(text));
  } catch (cause) {
    if (cause instanceof BuildError) throw cause;
    throw new BuildError("invalid_argument", `not a private key: ${messageOf(cause)}`);
  }
}

function checked(key: KeyObject): KeyObject {
  if (["ed25519", "rsa", "ec"].includes(key.asymmetricKeyType ?? "")) return key;
  throw new BuildError("invalid_argument", `keys of type ${key.asymmetricKeyType} are not supported`);
}

function readOpenSsh(bytes: Uint8Array): KeyObject {
  const reader = new WireReader(bytes);
  if (reader.take(marker.length).toString("latin1") !== marker) {
    throw new BuildError("invalid_argument", "invalid openssh private key format");
  }
  const cipher = reader.text();
  reader.string(); // how the passphrase becomes a key
  reader.string(); // and with what
  if (cipher !== "none") throw new BuildError("invalid_argument", passphrase);
  if (reader.uint32() !== 1) throw new BuildError("invalid_argument", "a file with several private keys");
  reader.string(); // the public key
  const secret = new WireReader(reader.string());
  if (secret.uint32() !== secret.uint32()) throw new BuildError("invalid_argument", "malformed openssh private key");
  try {
    return createPrivateKey({ key: jwkOf(secret.text(), secret), format: "jwk" });
  } catch (cause) {
    if (cause instanceof BuildError) throw cause;
    throw new BuildError("invalid_argument", `malformed openssh private key: ${messageOf(cause)}`);
  }
}

const curves: Readonly<Record<string, { readonly crv: string; readonly bytes: number }>> = {
  "ecdsa-sha2-nistp256": { crv: "P-256", bytes: 32 },
  "ecdsa-sha2-nistp384": { crv: "P-384", bytes: 48 },
  "ecdsa-sha2-nistp521": { crv: "P-521", bytes: 66 },
};

function jwkOf(type: string, reader: WireReader): webcrypto.JsonWebKey {
  const curve = curves[type];
  if (type === "ssh-ed25519") {
    const x = base64(reader.string());
    return { kty: "OKP", crv: "Ed25519", x, d: base64(reader.string().subarray(0, 32)) };
  }
  if (curve) {
    reader.string(); // its name, once more
    const point = reader.string().subarray(1);
    const scalar = reader.magnitude();
    if (point.byteLength !== 2 * curve.bytes) throw new BuildError("invalid_argument", "malformed public key");
    const d = Buffer.concat([Buffer.alloc(Math.max(0, curve.bytes - scalar.byteLength)), scalar]);
    const [x, y] = [point.subarray(0, curve.bytes), point.subarray(curve.bytes)];
    return { kty: "EC", crv: curve.crv, x: base64(x), y: base64(y), d: base64(d) };
  }
  if (type === "ssh-rsa") {
    const [n, e, d, qi, p, q] = Array.from({ length: 6 }, () => reader.magnitude()) as [Buffer, ...Buffer[]] & Buffer[];
    const part = (prime: Buffer | undefined) => numberBytes(number(d) % (number(prime) - 1n));
    const fields = { n, e, d, p, q, dp: part(p), dq: part(q), qi };
    return { kty: "RSA", ...Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, base64(value)])) };
  }
  throw new BuildError("invalid_argument", `keys of type ${JSON.stringify(type.slice(0, 40))} are not supported`);
}

const base64 = (bytes: Buffer = Buffer.alloc(0)): string => bytes.toString("base64url");
const number = (bytes: Buffer = Buffer.alloc(0)): bigint => BigInt(`0x0${bytes.toString("hex")}`);

function numberBytes(value: bigint): Buffer {
  const hex = value.toString(16);
  return Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, "hex");
}

import { createHash, createVerify, verify } from "node:crypto";
import { BuildError } from "../../base/errors/mod.ts";
import { ByteReader } from "../byte-reader.ts";
import { newLength, readInteger } from "./packets.ts";
import type { PublicKey } from "./public-key.ts";

/** A signature packet of version 4. */
export interface Signature {
  readonly type: number;
  readonly algorithm: number;
  /** `undefined`: one that is not known here, or too weak. */
  readonly hash: "sha256" | "sha384" | "sha512" | undefined;
  readonly createdSec: number;
  /** How long it holds, from {@link createdSec} on; 0: for ever. */
  readonly lifetimeSec: number;
  /** How long the key holds of which it speaks, from that one's creation on; 0: for ever. */
  readonly keyLifetimeSec: number;
  /** What the key of which it speaks may do; `undefined`: it does not say. */
  readonly keyFlags: number | undefined;
  /** Whether the identity of which it speaks comes first. */
  readonly isPrimary: boolean;
  /** In capital hex. */
  readonly issuer: string | undefined;
  /** Of a revocation; empty: nothing was said. */
  readonly reason: string;
  /** Those that a signature holds inside: a subkey's consent. */
  readonly embedded: readonly Signature[];
  /** What follows the signed bytes in the hash. */
  readonly trailer: Uint8Array;
  readonly material: Uint8Array;
}

/** What a signature is of. */
export const signatureTypes = {
  binary: 0x00,
  text: 0x01,
  certifications: [0x10, 0x11, 0x12, 0x13],
  subkeyBinding: 0x18,
  primaryBinding: 0x19,
  direct: 0x1f,
  keyRevocation: 0x20,
  subkeyRevocation: 0x28,
} as const;

const hashes: Readonly<Record<number, "sha256" | "sha384" | "sha512">> = { 8: "sha256", 9: "sha384", 10: "sha512" };

/** Subpackets that must be understood or be known to be harmless, when they are marked as critical. */
const understood = new Set([2, 3, 4, 5, 6, 7, 9, 11, 16, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34]);

/**
 * Reads a signature packet; `undefined` for other versions.
 * @throws {BuildError} `invalid_argument`
 * @see RFC 9580, section 5.2
 */
export function readSignature(body: Uint8Array): Signature | undefined {
  const reader = new ByteReader(body, "OpenPGP signature");
  if (reader.uint8() !== 4) return undefined;
  const type = reader.uint8();
  const algorithm = reader.uint8();
  const hash = hashes[reader.uint8()];
  const hashedArea = reader.take(reader.uint16());
  const head = body.subarray(0, 6 + hashedArea.byteLength);
  const end = Buffer.from([4, 0xff, 0, 0, 0, 0]);
  end.writeUInt32BE(head.byteLength, 2);
  const facts = { createdSec: 0, lifetimeSec: 0, keyLifetimeSec: 0, isPrimary: false, reason: "" };
  const found: { -readonly [K in "issuer" | "keyFlags"]?: Signature[K] } & { embedded: Signature[] } = { embedded: [] };
  for (const { kind, data } of subpackets(hashedArea)) {
    if (kind === 2) facts.createdSec = data.readUInt32BE();
    if (kind === 3) facts.lifetimeSec = data.readUInt32BE();
    if (kind === 9) facts.keyLifetimeSec = data.readUInt32BE();
    if (kind === 25) facts.isPrimary = data[0] === 1;
    if (kind === 27) found.keyFlags = data[0] ?? 0;
    if (kind === 29) facts.reason = data.subarray(1).toString("utf8");
    readLoose(kind, data, found);
  }
  for (const { kind, data } of subpackets(reader.take(reader.uint16()))) readLoose(kind, data, found);
  reader.uint16(); // the beginning of the hash, for those who want to fail early
  return {
    type,
    algorithm,
    hash,
    ...facts,
    issuer: found.issuer,
    keyFlags: found.keyFlags,
    embedded: found.embedded,
    trailer: Buffer.concat([head, end]),
    material: reader.rest(),
  };
}

/** What proves itself, and so need not be among what is signed. */
function readLoose(kind: number, data: Buffer, found: { issuer?: string | undefined; embedded: Signature[] }): void {
  if (kind === 16) found.issuer ??= data.toString("hex").toUpperCase();
  if (kind === 33) found.issuer ??= data.subarray(1).toString("hex").toUpperCase().slice(-16);
  const inside = kind === 32 ? readSignature(data) : undefined;
  if (inside) found.embedded.push(inside);
}

function* subpackets(area: Uint8Array): Iterable<{ readonly kind: number; readonly data: Buffer }> {
  const reader = new ByteReader(area, "OpenPGP signature");
  while (reader.left > 0) {
    const content = new ByteReader(reader.take(newLength(reader, { subpacket: true })), "OpenPGP signature");
    const marked = content.uint8();
    const kind = marked & 0x7f;
    if (marked !== kind && !understood.has(kind)) {
      throw new BuildError("invalid_argument", `invalid OpenPGP signature: unknown critical subpacket ${kind}`);
    }
    const data = content.rest();
    if ((kind === 2 || kind === 3 || kind === 9) && data.byteLength !== 4) {
      throw new BuildError("invalid_argument", "invalid OpenPGP signature: a time that is none");
    }
    yield { kind, data };
  }
}

/** Whether `key` has made the signature over `parts`. */
export async function isSignedBy(
  { key }: PublicKey,
  signature: Signature,
  parts: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
): Promise<boolean> {
  const { hash, trailer, algorithm } = signature;
  if (!key || !hash || !algorithmsOf[key.type].includes(algorithm)) return false;
  const reader = new ByteReader(signature.material, "OpenPGP signature");
  if (key.type === "eddsa") {
    const digester = createHash(hash);
    await feed(digester, parts, trailer);
    const pair = pairOf(reader, 32);
    return pair !== undefined && verify(null, digester.digest(), key.object, pair);
  }
  const verifier = createVerify(hash);
  await feed(verifier, parts, trailer);
  if (key.type === "ecdsa") {
    const pair = pairOf(reader, key.size);
    return pair !== undefined && verifier.verify({ key: key.object, dsaEncoding: "ieee-p1363" }, pair);
  }
  const size = Math.ceil(key.bits / 8);
  const value = readInteger(reader);
  return value.byteLength <= size && verifier.verify(key.object, padded(value, size));
}

async function feed(
  sink: { update(data: Uint8Array): unknown },
  parts: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  trailer: Uint8Array,
): Promise<void> {
  for await (const part of parts) sink.update(part);
  sink.update(trailer);
}

const algorithmsOf: Readonly<Record<"rsa" | "ecdsa" | "eddsa", readonly number[]>> = {
  rsa: [1, 3],
  ecdsa: [19],
  eddsa: [22],
};

function pairOf(reader: ByteReader, size: number): Buffer | undefined {
  const r = readInteger(reader);
  const s = readInteger(reader);
  return r.byteLength > size || s.byteLength > size ? undefined : Buffer.concat([padded(r, size), padded(s, size)]);
}

function padded(value: Buffer, size: number): Buffer {
  return Buffer.concat([Buffer.alloc(size - value.byteLength), value]);
}

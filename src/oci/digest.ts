import { createHash, type Hash, hash } from "node:crypto";
import { BuildError } from "../base/errors/mod.ts";

declare const brand: unique symbol;
/** `algorithm:hex`, algorithm known, hex lower-case and of the right length. Equal digests are `===`. */
export type Digest = string & { readonly [brand]: "Digest" };

/** Hash algorithms a digest may name. Polyarch itself only makes sha256. */
export type DigestAlgorithm = "sha256" | "sha384" | "sha512";

const hexLengths: Readonly<Record<DigestAlgorithm, number>> = { sha256: 64, sha384: 96, sha512: 128 };

/**
 * Parses a digest that came from outside.
 * @throws {BuildError} `invalid_argument` when `text` is not a digest of a supported algorithm
 * @see https://github.com/opencontainers/image-spec/blob/main/descriptor.md#digests
 */
export function parseDigest(text: string): Digest {
  const [, algorithm, hex] = /^([a-z0-9+._-]{1,64}):([0-9a-f]{1,256})$/.exec(text) ?? [];
  if (algorithm === undefined || hex === undefined) {
    throw new BuildError(
      "invalid_argument",
      `invalid checksum digest format: ${quoted(text)}, want sha256:<64 hex digits>`,
    );
  }
  if (!Object.hasOwn(hexLengths, algorithm)) {
    throw new BuildError(
      "invalid_argument",
      `unsupported digest algorithm: ${quoted(text)}, want sha256:<64 hex digits>`,
    );
  }
  if (hexLengths[algorithm as DigestAlgorithm] !== hex.length) {
    throw new BuildError(
      "invalid_argument",
      `invalid checksum digest length: ${quoted(text)}, want sha256:<64 hex digits>`,
    );
  }
  return text as Digest;
}

/** Whether `text` is a digest that {@link parseDigest} accepts. */
export function isDigest(text: string): text is Digest {
  const [, algorithm, hex] = /^(sha256|sha384|sha512):([0-9a-f]{64,128})$/.exec(text) ?? [];
  return hex !== undefined && hexLengths[algorithm as DigestAlgorithm] === hex.length;
}

/** The sha256 digest of exactly these bytes (a string is taken as UTF-8). */
export function digestOf(bytes: Uint8Array | string): Digest {
  return `sha256:${hash("sha256", bytes, "hex")}` as Digest;
}

/** The part before the colon. */
export function digestAlgorithm(digest: Digest): DigestAlgorithm {
  return digest.slice(0, digest.indexOf(":")) as DigestAlgorithm;
}

/** The part after the colon. */
export function digestHex(digest: Digest): string {
  return digest.slice(digest.indexOf(":") + 1);
}

/** Digest of bytes that pass by in pieces. Use once. */
export class Digester {
  readonly #algorithm: DigestAlgorithm;
  readonly #hash: Hash;
  #size = 0;
  constructor(algorithm: DigestAlgorithm = "sha256") {
    this.#algorithm = algorithm;
    this.#hash = createHash(algorithm);
  }
  /** Bytes seen so far. */
  get size(): number {
    return this.#size;
  }
  update(chunk: Uint8Array): void {
    this.#hash.update(chunk);
    this.#size += chunk.byteLength;
  }
  /** Ends it: no update may follow. */
  digest(): Digest {
    return `${this.#algorithm}:${this.#hash.digest("hex")}` as Digest;
  }
}

function quoted(text: string): string {
  return JSON.stringify(text.length > 200 ? `${text.slice(0, 200)}…` : text);
}

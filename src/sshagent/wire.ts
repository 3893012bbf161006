import { BuildError } from "../base/errors/mod.ts";

/** Reads the fields that SSH's formats are made of (RFC 4251). Throws a {@link BuildError} where they end too early. */
export class WireReader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** An unsigned number of 32 bits. */
  uint32(): number {
    return this.take(4).readUInt32BE();
  }

  /** Bytes with their length in front; not copied. */
  string(): Buffer {
    return this.take(this.uint32());
  }

  text(): string {
    return this.string().toString("utf8");
  }

  /** A number of any length as it stands in a JWK: big-endian, without the zero that keeps it positive. */
  magnitude(): Buffer {
    const bytes = this.string();
    return bytes[0] === 0 ? bytes.subarray(1) : bytes;
  }

  take(length: number): Buffer {
    if (this.#at + length > this.#bytes.byteLength) throw new BuildError("invalid_argument", "unexpected end of data");
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }
}

/** An unsigned number of 32 bits. */
export function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value >>> 0);
  return bytes;
}

/** Bytes, or text, with their length in front. */
export function wireString(value: string | Uint8Array): Buffer {
  const bytes = typeof value === "string" ? Buffer.from(value) : value;
  return Buffer.concat([uint32(bytes.byteLength), bytes]);
}

/** A positive number of any length, given big-endian. */
export function wireNumber(magnitude: Uint8Array): Buffer {
  let start = 0;
  while (start < magnitude.byteLength && magnitude[start] === 0) start++;
  const bytes = magnitude.subarray(start);
  return wireString((bytes[0] ?? 0) >= 0x80 ? Buffer.concat([Buffer.from([0]), bytes]) : bytes);
}

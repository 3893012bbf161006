import type { Scalar } from "./descriptor.ts";

/** Writes a message's bytes from front to back. */
export class Writer {
  #bytes = new Uint8Array(256);
  #at = 0;
  /** What was written. The writer is done then. */
  finish(): Uint8Array<ArrayBuffer> {
    return this.#at * 2 > this.#bytes.byteLength ? this.#bytes.subarray(0, this.#at) : this.#bytes.slice(0, this.#at);
  }
  tag(number: number, wireType: number): void {
    this.varint(((number << 3) | wireType) >>> 0);
  }
  /** @param value unsigned, of at most 32 bits */
  varint(value: number): void {
    this.#reserve(5);
    let rest = value;
    for (; rest > 0x7f; rest >>>= 7) this.#bytes[this.#at++] = (rest & 0x7f) | 0x80;
    this.#bytes[this.#at++] = rest;
  }
  raw(bytes: Uint8Array): void {
    this.#reserve(bytes.byteLength);
    this.#bytes.set(bytes, this.#at);
    this.#at += bytes.byteLength;
  }
  /** What `write` writes, after its length. */
  framed(write: () => void): void {
    this.#reserve(1);
    const start = ++this.#at;
    write();
    const length = this.#at - start;
    if (length < 0x80) this.#bytes[start - 1] = length;
    else {
      const more = lengthOfVarint(length) - 1;
      this.#reserve(more);
      this.#bytes.copyWithin(start + more, start, this.#at);
      this.#at = start - 1;
      this.varint(length);
      this.#at += length;
    }
  }
  /** One value. @throws {TypeError} when it is none of that kind */
  scalar(scalar: Scalar, value: unknown): void {
    switch (scalar) {
      case "string":
        return this.#text(value);
      case "bytes":
        if (!(value instanceof Uint8Array)) throw invalid(scalar, value);
        this.varint(value.byteLength);
        return this.raw(value);
      case "bool":
        if (typeof value !== "boolean") throw invalid(scalar, value);
        return this.varint(value ? 1 : 0);
      case "int32":
        if (value !== ((value as number) | 0)) throw invalid(scalar, value);
        return value < 0 ? this.#varint64(BigInt(value)) : this.varint(value);
      case "uint32":
        if (value !== (value as number) >>> 0) throw invalid(scalar, value);
        return this.varint(value);
      case "int64":
      case "uint64": {
        if (typeof value !== "bigint" || value !== fit(scalar, value)) throw invalid(scalar, value);
        return value >= 0n && value <= 0xffff_ffffn ? this.varint(Number(value)) : this.#varint64(value);
      }
      case "fixed32":
        if (value !== (value as number) >>> 0) throw invalid(scalar, value);
        return this.#fixed(4, (view) => view.setUint32(0, value, true));
      case "fixed64":
        if (typeof value !== "bigint" || value !== BigInt.asUintN(64, value)) throw invalid(scalar, value);
        return this.#fixed(8, (view) => view.setBigUint64(0, value, true));
      case "double":
        if (typeof value !== "number") throw invalid(scalar, value);
        return this.#fixed(8, (view) => view.setFloat64(0, value, true));
    }
  }
  #text(value: unknown): void {
    if (typeof value !== "string") throw invalid("string", value);
    if (!value.isWellFormed()) throw new TypeError("a string holds half of a surrogate pair");
    const length = Buffer.byteLength(value);
    this.varint(length);
    this.#reserve(length);
    const { buffer, byteOffset } = this.#bytes;
    Buffer.from(buffer, byteOffset + this.#at, length).write(value);
    this.#at += length;
  }
  #varint64(value: bigint): void {
    this.#reserve(10);
    const bits = BigInt.asUintN(64, value);
    let low = Number(bits & 0xffff_ffffn);
    let high = Number(bits >> 32n);
    while (high > 0 || low > 0x7f) {
      this.#bytes[this.#at++] = (low & 0x7f) | 0x80;
      low = ((low >>> 7) | (high << 25)) >>> 0;
      high >>>= 7;
    }
    this.#bytes[this.#at++] = low;
  }
  #fixed(length: number, write: (view: DataView) => void): void {
    this.#reserve(length);
    write(new DataView(this.#bytes.buffer, this.#bytes.byteOffset + this.#at, length));
    this.#at += length;
  }
  #reserve(length: number): void {
    const needed = this.#at + length;
    if (needed <= this.#bytes.byteLength) return;
    const grown = new Uint8Array(Math.max(needed, this.#bytes.byteLength * 2));
    grown.set(this.#bytes.subarray(0, this.#at));
    this.#bytes = grown;
  }
}

function lengthOfVarint(value: number): number {
  return value < 0x80 ? 1 : value < 0x4000 ? 2 : value < 0x20_0000 ? 3 : value < 0x1000_0000 ? 4 : 5;
}

function fit(scalar: "int64" | "uint64", value: bigint): bigint {
  return scalar === "int64" ? BigInt.asIntN(64, value) : BigInt.asUintN(64, value);
}

function invalid(scalar: Scalar, value: unknown): TypeError {
  return new TypeError(`${typeof value} is no ${scalar}: ${String(value).slice(0, 40)}`);
}

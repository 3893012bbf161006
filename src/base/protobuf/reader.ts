import { isUtf8 } from "node:buffer";
import type { Scalar } from "./descriptor.ts";
import { wireBytes, wireEndGroup, wireFixed32, wireFixed64, wireStartGroup, wireVarint } from "./wire.ts";

/** Longest text that is worth decoding byte by byte. */
const shortText = 24;
/** How deep messages and groups may lie in each other. */
export const maxDepth = 100;

/** Reads a message's bytes from front to back. What it gives of them (`bytes` fields) are views, no copies. */
export class Reader {
  readonly bytes: Uint8Array;
  /** Of the next byte. */
  at = 0;
  /** Where the message that is being read ends. */
  end: number;
  #high = 0;
  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    this.end = bytes.byteLength;
  }
  /** A varint's low 32 bits, unsigned. @throws {Error} when it is cut off or too long */
  varint(): number {
    const { bytes, end } = this;
    let low = 0;
    this.#high = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      if (this.at >= end) throw cutOff();
      const byte = bytes[this.at++] as number;
      const bits = byte & 0x7f;
      if (shift < 28) low |= bits << shift;
      else if (shift === 28) {
        low |= bits << 28;
        this.#high = bits >>> 4;
      } else if (shift < 63) this.#high |= bits << (shift - 32);
      else this.#high |= (bits & 1) << 31;
      if (byte < 0x80) return low >>> 0;
    }
    throw new Error("invalid varint");
  }
  /** One value. */
  scalar(scalar: Scalar): unknown {
    switch (scalar) {
      case "string":
        return this.#text();
      case "bytes":
        return this.#take(this.varint());
      case "bool":
        return this.varint() !== 0 || this.#high !== 0;
      case "int32":
        return this.varint() | 0;
      case "uint32":
        return this.varint();
      case "int64": {
        const low = this.varint();
        return this.#high === 0 ? BigInt(low) : (BigInt(this.#high | 0) << 32n) | BigInt(low);
      }
      case "uint64": {
        const low = this.varint();
        return this.#high === 0 ? BigInt(low) : (BigInt(this.#high >>> 0) << 32n) | BigInt(low);
      }
      case "fixed32":
        return this.#view(4).getUint32(0, true);
      case "fixed64":
        return this.#view(8).getBigUint64(0, true);
      case "double":
        return this.#view(8).getFloat64(0, true);
    }
  }
  /** Passes over a field that is not known. @returns its bytes, without the tag */
  skip(number: number, wireType: number, depth: number): Uint8Array {
    const start = this.at;
    switch (wireType) {
      case wireVarint:
        this.varint();
        break;
      case wireFixed64:
        this.#take(8);
        break;
      case wireFixed32:
        this.#take(4);
        break;
      case wireBytes:
        this.#take(this.varint());
        break;
      case wireStartGroup:
        this.#skipGroup(number, depth);
        break;
      default:
        throw new Error(`cannot skip wire type ${wireType}`);
    }
    return this.bytes.subarray(start, this.at);
  }
  /** Where the value ends whose length comes next. */
  lengthEnd(): number {
    const end = this.varint() + this.at;
    if (end > this.end) throw cutOff();
    return end;
  }
  #skipGroup(number: number, depth: number): void {
    if (depth >= maxDepth) throw new Error(`maximum recursion depth of ${maxDepth} reached`);
    for (;;) {
      const tag = this.varint();
      if ((tag & 7) === wireEndGroup) {
        if (tag >>> 3 !== number) throw new Error("invalid end group tag");
        return;
      }
      this.skip(tag >>> 3, tag & 7, depth + 1);
    }
  }
  #take(length: number): Uint8Array {
    const start = this.at;
    if (start + length > this.end) throw cutOff();
    this.at += length;
    return this.bytes.subarray(start, this.at);
  }
  #view(length: number): DataView {
    const { buffer, byteOffset } = this.#take(length);
    return new DataView(buffer, byteOffset, length);
  }
  #text(): string {
    const length = this.varint();
    const start = this.at;
    if (start + length > this.end) throw cutOff();
    this.at += length;
    if (length <= shortText) {
      let text = "";
      let at = start;
      for (; at < this.at; at++) {
        const byte = this.bytes[at] as number;
        if (byte >= 0x80) break;
        text += String.fromCharCode(byte);
      }
      if (at === this.at) return text;
    }
    const part = Buffer.from(this.bytes.buffer, this.bytes.byteOffset + start, length);
    if (!isUtf8(part)) throw new Error("invalid UTF-8 in a string");
    return part.toString("utf8");
  }
}

function cutOff(): Error {
  return new RangeError("premature EOF");
}

import { TarError } from "./entry.ts";

/**
 * Reads a numeric field: octal text padded with spaces or NULs, or GNU's base-256 (first bit set, big-endian two's complement).
 * @throws {TarError} when it is neither, or beyond what a JavaScript number holds exactly
 */
export function decodeNumber(block: Uint8Array, offset: number, length: number): number {
  const first = block[offset] ?? 0;
  if (first & 0x80) return decodeBase256(block, offset, length);
  let value = 0;
  let digits = 0;
  for (let at = offset; at < offset + length; at++) {
    const byte = block[at] ?? 0;
    if (byte === 0x20 || byte === 0) {
      if (digits > 0) break;
      continue;
    }
    if (byte < 0x30 || byte > 0x37) throw new TarError("invalid tar header: a number is not octal");
    value = value * 8 + (byte - 0x30);
    digits++;
  }
  return value;
}

function decodeBase256(block: Uint8Array, offset: number, length: number): number {
  const negative = ((block[offset] ?? 0) & 0x40) !== 0;
  let value = 0n;
  for (let at = offset; at < offset + length; at++) {
    let byte = block[at] ?? 0;
    if (at === offset) byte &= 0x7f;
    value = (value << 8n) | BigInt(byte);
  }
  if (negative) value -= 1n << BigInt(length * 8 - 1);
  const number = Number(value);
  if (!Number.isSafeInteger(number)) throw new TarError("invalid tar header: a number is too large");
  return number;
}

/** Largest value that a field of `length` bytes holds as octal text with a NUL behind it. */
export function octalLimit(length: number): number {
  return 8 ** (length - 1) - 1;
}

/** Writes octal text with leading zeros and a NUL behind it. `value` must be within {@link octalLimit}. */
export function encodeOctal(block: Buffer, offset: number, length: number, value: number): void {
  block.write(value.toString(8).padStart(length - 1, "0"), offset, length - 1, "latin1");
}

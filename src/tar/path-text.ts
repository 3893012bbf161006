import { isUtf8 } from "node:buffer";

/**
 * A path or link target as text. Names on Linux are bytes and need not be UTF-8: a byte that is not becomes a lone surrogate
 * (U+DC80…U+DCFF), which no valid text contains, so that {@link pathToBytes} gives back exactly the same bytes.
 */
export function pathFromBytes(bytes: Uint8Array): string {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (isUtf8(buffer)) return buffer.toString("utf8");
  let text = "";
  for (let at = 0; at < buffer.length; ) {
    const length = sequenceLength(buffer, at);
    text += length === 0 ? String.fromCharCode(0xdc00 + (buffer[at] ?? 0)) : buffer.toString("utf8", at, at + length);
    at += length || 1;
  }
  return text;
}

/** The bytes of a path, see {@link pathFromBytes}. */
export function pathToBytes(path: string): Uint8Array {
  if (path.isWellFormed()) return Buffer.from(path, "utf8");
  return Buffer.concat(
    Array.from(path, (char) => {
      const code = char.charCodeAt(0);
      const escaped = char.length === 1 && code >= 0xdc80 && code <= 0xdcff;
      return escaped ? Buffer.of(code - 0xdc00) : Buffer.from(char, "utf8");
    }),
  );
}

/** A path as Node's file functions take it: the text itself wherever that says the same bytes. */
export function pathForSystem(path: string): string | Buffer {
  return path.isWellFormed() ? path : (pathToBytes(path) as Buffer);
}

/** Length of the valid UTF-8 sequence that begins at `at`, 0 when none does. */
function sequenceLength(buffer: Buffer, at: number): number {
  for (let length = 1; length <= 4 && at + length <= buffer.length; length++) {
    if (isUtf8(buffer.subarray(at, at + length))) return length;
  }
  return 0;
}

/** What a stream is packed in, as its first bytes tell. */
export type Framing = "uncompressed" | "gzip" | "zstd" | "bzip2" | "xz";

/** How many first bytes {@link detectFraming} wants to see, where there are that many. */
export const framingPrefixBytes = 6;

/** Recognises the compression by its magic number; anything else is `uncompressed`. */
export function detectFraming(prefix: Uint8Array): Framing {
  const begins = (...magic: number[]): boolean => magic.every((byte, at) => prefix[at] === byte);
  if (begins(0x1f, 0x8b)) return "gzip";
  if (begins(0x28, 0xb5, 0x2f, 0xfd)) return "zstd";
  // A skippable frame may come first.
  if (((prefix[0] ?? 0) & 0xf0) === 0x50 && prefix[1] === 0x2a && prefix[2] === 0x4d && prefix[3] === 0x18)
    return "zstd";
  if (begins(0x42, 0x5a, 0x68)) return "bzip2";
  if (begins(0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00)) return "xz";
  return "uncompressed";
}

/** The header of a gzip member without name, time or system: the same for everybody. */
export const gzipHeader: Uint8Array = Uint8Array.of(0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff);

/** What ends a gzip member: CRC-32 and length of the uncompressed bytes. */
export function gzipTrailer(crc32: number, sizeBytes: number): Uint8Array {
  const trailer = Buffer.alloc(8);
  trailer.writeUInt32LE(crc32 >>> 0, 0);
  trailer.writeUInt32LE(sizeBytes % 2 ** 32, 4);
  return trailer;
}

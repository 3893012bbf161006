import { blockSize, TarError, type TarEntryType } from "./entry.ts";
import { decodeNumber, encodeOctal, octalLimit } from "./numeric.ts";
import { pathFromBytes } from "./path-text.ts";

/**
 * One header block as it stands, before extended records are applied.
 * @see https://pubs.opengroup.org/onlinepubs/9799919799/utilities/pax.html (ustar interchange format)
 */
export interface HeaderBlock {
  readonly name: string;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly size: number;
  readonly mtimeSec: number;
  /** The type's character; NUL is given as `"\0"`. */
  readonly typeflag: string;
  readonly linkname: string;
  readonly devMajor: number;
  readonly devMinor: number;
}

/** Reads the header in the 512 bytes of `block`, of any dialect (v7, ustar, GNU). @throws {TarError} when it is none */
export function decodeHeader(block: Uint8Array): HeaderBlock {
  verifyChecksum(block);
  const typeflag = String.fromCharCode(block[156] ?? 0);
  const ustar = matches(block, 257, "ustar\0");
  const known = ustar || matches(block, 257, "ustar  \0");
  const prefix = ustar ? field(block, 345, 155) : "";
  const name = field(block, 0, 100);
  const device = known && (typeflag === "3" || typeflag === "4");
  return {
    name: prefix === "" ? name : `${prefix}/${name}`,
    mode: decodeNumber(block, 100, 8) & 0o7777,
    uid: decodeNumber(block, 108, 8),
    gid: decodeNumber(block, 116, 8),
    size: decodeNumber(block, 124, 12),
    mtimeSec: decodeNumber(block, 136, 12),
    typeflag,
    linkname: field(block, 157, 100),
    devMajor: device ? decodeNumber(block, 329, 8) : 0,
    devMinor: device ? decodeNumber(block, 337, 8) : 0,
  };
}

/** Whether the whole block is zero: two of them end an archive. */
export function isZeroBlock(block: Uint8Array): boolean {
  for (let at = 0; at < blockSize; at++) if (block[at] !== 0) return false;
  return true;
}

/** Values of a header that is known to fit: see {@link fitsHeader}. `name` and `linkname` are ASCII. */
export interface PlainHeader {
  readonly name: string;
  readonly prefix: string;
  readonly typeflag: string;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly size: number;
  readonly mtimeSec: number;
  readonly linkname: string;
  readonly devMajor: number;
  readonly devMinor: number;
}

/** Largest values of the numeric fields of a ustar header. */
export const headerLimits = { id: octalLimit(8), size: octalLimit(12), mtimeSec: octalLimit(12) } as const;

/** Writes one ustar header block; user and group names stay empty. */
export function encodeHeader(header: PlainHeader): Buffer {
  const block = Buffer.alloc(blockSize);
  block.write(header.name, 0, 100, "latin1");
  encodeOctal(block, 100, 8, header.mode);
  encodeOctal(block, 108, 8, header.uid);
  encodeOctal(block, 116, 8, header.gid);
  encodeOctal(block, 124, 12, header.size);
  encodeOctal(block, 136, 12, header.mtimeSec);
  block.write("        ", 148, 8, "latin1");
  block.write(header.typeflag, 156, 1, "latin1");
  block.write(header.linkname, 157, 100, "latin1");
  block.write("ustar\x0000", 257, 8, "latin1");
  encodeOctal(block, 329, 8, header.devMajor);
  encodeOctal(block, 337, 8, header.devMinor);
  block.write(header.prefix, 345, 155, "latin1");
  let sum = 0;
  for (const byte of block) sum += byte;
  encodeOctal(block, 148, 7, sum);
  return block;
}

/** The typeflag of each kind of entry. */
export const typeflags: Readonly<Record<TarEntryType, string>> = {
  file: "0",
  hardlink: "1",
  symlink: "2",
  char: "3",
  block: "4",
  dir: "5",
  fifo: "6",
};

function verifyChecksum(block: Uint8Array): void {
  let unsigned = 0;
  let signed = 0;
  for (let at = 0; at < blockSize; at++) {
    const byte = at >= 148 && at < 156 ? 0x20 : (block[at] ?? 0);
    unsigned += byte;
    signed += byte < 0x80 ? byte : byte - 0x100;
  }
  const stored = decodeNumber(block, 148, 8);
  // Some old programs summed signed bytes.
  if (stored !== unsigned && stored !== signed) throw new TarError("invalid tar header: wrong checksum");
}

function matches(block: Uint8Array, offset: number, text: string): boolean {
  for (let at = 0; at < text.length; at++) if (block[offset + at] !== text.charCodeAt(at)) return false;
  return true;
}

function field(block: Uint8Array, offset: number, length: number): string {
  let end = offset;
  while (end < offset + length && block[end] !== 0) end++;
  return pathFromBytes(block.subarray(offset, end));
}

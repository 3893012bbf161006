import { blockSize } from "./entry.ts";
import { detectFraming } from "./framing.ts";
import { decodeHeader, isZeroBlock } from "./header.ts";

/** How much of a stream {@link startsLikeArchive} wants to see, in bytes. */
export const archiveStartBytes = blockSize;

/** Whether bytes that begin like this are a tar, or something that tars are compressed with, rather than text. */
export function startsLikeArchive(start: Uint8Array): boolean {
  if (detectFraming(start) !== "uncompressed") return true;
  if (start.byteLength < blockSize || isZeroBlock(start)) return false;
  try {
    decodeHeader(start.subarray(0, blockSize));
    return true;
  } catch {
    return false;
  }
}

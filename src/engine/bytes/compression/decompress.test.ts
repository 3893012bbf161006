import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { decompressed } from "./decompress.ts";

const home = mkdtempSync(join(tmpdir(), "polyarch-test-"));
after(() => rmSync(home, { recursive: true }));

// Noise and blanks: the source comes to its end before what it says is read.
const data = Buffer.concat(Array.from({ length: 16_384 }, () => [randomBytes(32), Buffer.alloc(32)]).flat());

for (const [framing, compress] of [
  ["gzip", gzipSync],
  ["zstd", zstdCompressSync],
] as const) {
  test(`reading ${framing} can be given up after any piece`, { timeout: 120_000 }, async () => {
    const file = join(home, framing);
    writeFileSync(file, compress(data));
    const read = async (pieces: number) => {
      let bytes = 0;
      for await (const chunk of decompressed({ file }, () => {})) {
        bytes += chunk.length;
        if (--pieces === 0) throw new Error("given up");
      }
      return bytes;
    };
    for (let pieces = 1; pieces <= 4; pieces++) {
      for (let times = 0; times < 5; times++) await assert.rejects(read(pieces), /^Error: given up$/);
    }
    assert.equal(await read(Infinity), data.length);
  });
}

import { createHash } from "node:crypto";
import { closeSync, openSync } from "node:fs";
import type { Digest } from "../../../oci/mod.ts";
import { TarParser } from "../../../tar/mod.ts";
import { encodeToc, LayerReader, TreeWriter, writeFully } from "../../snapshots/mod.ts";
import { decompressed } from "../compression/decompress.ts";
import type { JobContext, Jobs } from "../jobs.ts";

/** @see Jobs.read */
export async function read(input: Jobs["read"]["input"], context: JobContext): Promise<Jobs["read"]["output"]> {
  const writer = input.directory === undefined ? undefined : new TreeWriter(input.directory);
  const reader = new LayerReader({ writer, plainNames: input.plainNames ?? false });
  const parser = new TarParser(reader);
  const hash = createHash("sha256");
  const tar = input.tarFile === undefined ? undefined : openSync(input.tarFile, "w", 0o644);
  try {
    for await (const chunk of decompressed(input, context.progress)) {
      context.check();
      hash.update(chunk);
      if (tar !== undefined) writeFully(tar, chunk);
      parser.push(chunk);
    }
    parser.finish();
  } finally {
    if (tar !== undefined) closeSync(tar);
    reader.close();
  }
  return {
    toc: encodeToc(reader.toc()),
    diffId: `sha256:${hash.digest("hex")}` as Digest,
    size: parser.offsetBytes,
  };
}

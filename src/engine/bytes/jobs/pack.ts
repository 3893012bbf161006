import { decodeToc, encodeToc, FileShrankError, type LayerToc, packLayer, type TocEntry } from "../../snapshots/mod.ts";
import { rechunk, writeBlob } from "../compression/write-blob.ts";
import { decompressed } from "../compression/decompress.ts";
import type { JobContext, Jobs, WrittenBlob } from "../jobs.ts";

const attempts = 3;

/** @see Jobs.pack */
export async function pack(input: Jobs["pack"]["input"], context: JobContext): Promise<Jobs["pack"]["output"]> {
  const toc = decodeToc(input.toc);
  for (let attempt = 1; ; attempt++) {
    try {
      return await packOnce(toc, input, context);
    } catch (error) {
      if (!(error instanceof FileShrankError) || attempt === attempts) throw error;
    }
  }
}

async function packOnce(
  toc: LayerToc,
  input: Jobs["pack"]["input"],
  context: JobContext,
): Promise<Jobs["pack"]["output"]> {
  const packed = new Map<string, Pick<TocEntry, "size" | "digest" | "content">>();
  const changed: string[] = [];
  let bytes = 0;
  const observer = {
    check: context.check,
    file(
      entry: TocEntry,
      { offsetBytes, size, digest }: { offsetBytes: number; size: number; digest: TocEntry["digest"] },
    ) {
      packed.set(entry.path, {
        size,
        ...(digest ? { digest } : {}),
        content: { kind: "range", file: "", offsetBytes },
      });
      if (entry.digest !== undefined && entry.digest !== digest) changed.push(entry.path);
      context.progress((bytes += size));
    },
  };
  const blob = await writeBlob((buffer) => packLayer(toc, buffer, observer), input.codec, input.file, context.check);
  const entries = toc.entries.map((entry) => {
    if (entry.type !== "file") return entry;
    return { ...entry, ...packed.get(entry.hardlink ?? entry.path) };
  });
  return { ...blob, toc: encodeToc({ ...toc, entries }), changed };
}

/** @see Jobs.recompress */
export async function recompress(input: Jobs["recompress"]["input"], context: JobContext): Promise<WrittenBlob> {
  const bytes = decompressed({ file: input.from }, context.progress);
  const { digest, size, diffId } = await writeBlob(
    (buffer) => rechunk(bytes, buffer),
    input.codec,
    input.file,
    context.check,
  );
  return { digest, size, diffId };
}

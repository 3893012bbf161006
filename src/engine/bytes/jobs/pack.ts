import { statSync } from "node:fs";
import { decodeToc, encodeToc, FileShrankError, type LayerToc, packLayer, type TocEntry } from "../../snapshots/mod.ts";
import { decompressed } from "../compression/decompress.ts";
import { rechunk, writeBlob } from "../compression/write-blob.ts";
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
  const { check } = context;
  const observer = new Verifier(context);
  function* make(buffer: () => Buffer): Generator<Buffer> {
    let bytes = 0;
    for (const chunk of packLayer(toc, buffer, input.verify ? observer : { check })) {
      context.progress((bytes += chunk.length));
      yield chunk;
    }
  }
  const sizeHint = toc.entries.reduce((sum, { size, hardlink }) => sum + (hardlink === undefined ? size : 0), 0);
  const blob = await writeBlob(make, input.codec, input.file, { check, sizeHint });
  return input.verify ? { ...blob, verified: observer.result(toc) } : blob;
}

/** Notes what files turned out to be. */
class Verifier {
  readonly check: () => void;
  readonly #packed = new Map<string, Pick<TocEntry, "size" | "digest" | "content">>();
  readonly #changed: string[] = [];
  constructor(context: JobContext) {
    this.check = context.check;
  }
  file(
    entry: TocEntry,
    packed: { readonly offsetBytes: number; readonly size: number; readonly digest: TocEntry["digest"] },
  ): void {
    const { offsetBytes, size, digest } = packed;
    const content = { kind: "range", file: "", offsetBytes } as const;
    this.#packed.set(entry.path, { size, content, ...(digest ? { digest } : {}) });
    if (entry.digest !== undefined && entry.digest !== digest) this.#changed.push(entry.path);
  }
  result(toc: LayerToc): NonNullable<Jobs["pack"]["output"]["verified"]> {
    const entries = toc.entries.map((entry) =>
      entry.type === "file" ? { ...entry, ...this.#packed.get(entry.hardlink ?? entry.path) } : entry,
    );
    return { toc: encodeToc({ ...toc, entries }), changed: this.#changed };
  }
}

/** @see Jobs.recompress */
export async function recompress(input: Jobs["recompress"]["input"], context: JobContext): Promise<WrittenBlob> {
  const bytes = decompressed({ file: input.from }, context.progress);
  const { check } = context;
  const { codec, file, diffId } = input;
  const sizeHint = statSync(input.from).size; // at least that, where it is compressed
  return await writeBlob((buffer) => rechunk(bytes, buffer), codec, file, { check, sizeHint, diffId });
}

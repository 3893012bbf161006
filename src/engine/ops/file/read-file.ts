import { open } from "node:fs/promises";
import { BuildError } from "../../../base/errors/mod.ts";
import type { FileContent, TocEntry } from "../../snapshots/mod.ts";

/**
 * The bytes of a small file whose content is known.
 * @throws {BuildError} `out_of_range` when it is larger than `limitBytes`
 */
export async function readSmallFile(entry: TocEntry, limitBytes: number): Promise<Uint8Array> {
  if (entry.size > limitBytes) {
    throw new BuildError("out_of_range", `/${entry.path} is larger than ${limitBytes} bytes`);
  }
  return await readContent(entry, entry.content);
}

async function readContent({ path, size }: TocEntry, content: FileContent | undefined): Promise<Uint8Array> {
  if (!content) throw new Error(`Internal error: nobody knows where the bytes of "/${path}" are`);
  if (content.kind === "bytes") return content.data;
  await using file = await open(content.file);
  const buffer = Buffer.alloc(size);
  let at = 0;
  while (at < size) {
    const { bytesRead } = await file.read(buffer, at, size - at, content.offsetBytes + at);
    if (bytesRead === 0) break;
    at += bytesRead;
  }
  return buffer.subarray(0, at);
}

import { open } from "node:fs/promises";
import type { TocEntry } from "./toc.ts";

/** Pieces that file content is read in. */
const readBytes = 256 * 1024;

/** The bytes of a regular file. Holds one piece. */
export async function* contentChunks(entry: TocEntry): AsyncGenerator<Uint8Array> {
  const { content } = entry;
  if (entry.size === 0) return;
  if (!content) throw new Error(`Internal error: ${entry.path} has no content here`);
  if (content.kind === "bytes") {
    yield content.data;
    return;
  }
  await using file = await open(content.file, "r");
  for (let at = 0; at < entry.size; ) {
    const buffer = Buffer.allocUnsafe(Math.min(readBytes, entry.size - at));
    const { bytesRead } = await file.read(buffer, 0, buffer.byteLength, content.offsetBytes + at);
    if (bytesRead === 0) throw new Error(`Internal error: ${content.file} ends before ${entry.path} does`);
    yield buffer.subarray(0, bytesRead);
    at += bytesRead;
  }
}

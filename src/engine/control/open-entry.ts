import { open } from "node:fs/promises";
import type { TocEntry } from "../snapshots/mod.ts";

/** Bytes of a regular file of a result. Disposing of it closes what is open. */
export interface EntryReader extends AsyncDisposable {
  /** As many of the bytes asked for as the file has. */
  read(offsetBytes: number, lengthBytes: number): Promise<Uint8Array>;
}

/** Opens a regular file whose bytes are {@link Ref.locate | located}. */
export async function openEntry({ path, size, content }: TocEntry): Promise<EntryReader> {
  if (!content) throw new Error(`Internal error: ${path} has no content after locate()`);
  if (content.kind === "bytes") {
    const { data } = content;
    return {
      read: (offset, length) => Promise.resolve(data.subarray(offset, offset + length)),
      [Symbol.asyncDispose]: () => Promise.resolve(),
    };
  }
  const { file, offsetBytes } = content;
  const handle = await open(file, "r");
  return {
    async read(offset, length) {
      const bytes = Buffer.alloc(Math.max(0, Math.min(length, size - offset)));
      let filled = 0;
      while (filled < bytes.byteLength) {
        const place = offsetBytes + offset + filled;
        const { bytesRead } = await handle.read(bytes, filled, bytes.byteLength - filled, place);
        if (bytesRead === 0) break;
        filled += bytesRead;
      }
      return bytes.subarray(0, filled);
    },
    [Symbol.asyncDispose]: () => handle.close(),
  };
}

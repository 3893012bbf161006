import { open } from "node:fs/promises";
import type { TocEntry } from "../snapshots/mod.ts";
import type { ExportContext, ExportSource, PlatformRef } from "./exporter.ts";

/** Pieces that file content is read in. */
const readBytes = 256 * 1024;

/** Where the tree of one platform goes: `linux_arm_v7/` when there are several, the top otherwise. */
export function platformDirectory({ id }: PlatformRef): string {
  return id.replaceAll("/", "_");
}

/** All entries of one platform's tree in order, the root left out, with the bytes of every regular file at hand. */
export async function locatedEntries(platformRef: PlatformRef, context: ExportContext): Promise<readonly TocEntry[]> {
  const { ref } = platformRef;
  const tree = await ref.tree({ signal: context.signal });
  const entries = [...tree.walk("")].filter((entry) => entry.path !== "");
  return await ref.locate(entries, { signal: context.signal });
}

/** Whether the platforms' trees go into directories of their own. */
export function splitsByPlatform(source: ExportSource, wanted: boolean | undefined): boolean {
  return wanted ?? source.multiPlatform;
}

/** The bytes of a regular file. Holds one piece. */
export async function* contentOf(entry: TocEntry): AsyncGenerator<Uint8Array> {
  const { content } = entry;
  if (entry.size === 0) return;
  if (!content) throw new Error(`Internal error: ${entry.path} has no content after locate()`);
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

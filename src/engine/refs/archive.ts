import { randomUUID } from "node:crypto";
import { open } from "node:fs/promises";
import { join } from "node:path";
import { messageOf } from "../../base/errors/mod.ts";
import { detectFraming, framingPrefixBytes } from "../../tar/mod.ts";
import { completeLayer, decodeToc, type FileContent, MergedTree } from "../snapshots/mod.ts";
import { LooseLayer } from "./made-layers.ts";
import { removeTree, type StoreParts } from "./parts.ts";

/**
 * What is in an archive as a layer that lasts as long as it is held: its uncompressed tar is kept meanwhile, and contents point into it.
 * @returns `undefined` when the file is no archive
 * @throws {BuildError} when it is a compressed file that is damaged, or compressed in a way that is not supported
 */
export async function openArchive(
  parts: StoreParts,
  content: FileContent,
  size: number,
  { signal }: { signal: AbortSignal },
): Promise<LooseLayer | undefined> {
  if (content.kind !== "range" || !(await looksLikeArchive(content.file, content.offsetBytes, size))) return undefined;
  const temporary = await parts.places.makeTemporary();
  const tarFile = join(temporary, "tar");
  try {
    const { file, offsetBytes } = content;
    const { toc } = await parts.bytes.run("read", { file, offsetBytes, size, tarFile, plainNames: true }, { signal });
    const raw = decodeToc(toc, (_, offset) => ({ kind: "range", file: tarFile, offsetBytes: offset }));
    const complete = completeLayer(raw, MergedTree.empty).toc;
    return new LooseLayer(parts, { id: `archive:${randomUUID()}`, toc: complete, temporary, createdAt: parts.now() });
  } catch (error) {
    await removeTree(parts, temporary);
    // A gzip file need not hold a tar: then it is an ordinary file.
    if (messageOf(error).startsWith("archive/tar: not a tar archive")) return undefined;
    throw error;
  }
}

/** Compressed, or a tar by its magic word. */
async function looksLikeArchive(path: string, offsetBytes: number, size: number): Promise<boolean> {
  await using file = await open(path, "r");
  const block = Buffer.alloc(Math.min(512, size));
  const { bytesRead } = await file.read(block, 0, block.length, offsetBytes);
  if (detectFraming(block.subarray(0, Math.min(framingPrefixBytes, bytesRead))) !== "uncompressed") return true;
  return bytesRead === 512 && block.toString("latin1", 257, 262) === "ustar";
}

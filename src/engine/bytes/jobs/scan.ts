import { encodeToc, FileIndex, scanDirectory } from "../../snapshots/mod.ts";
import type { JobContext, Jobs } from "../jobs.ts";

/** @see Jobs.scan */
export function scan(input: Jobs["scan"]["input"], context: JobContext): Jobs["scan"]["output"] {
  const index = input.withIndex ? FileIndex.begin() : undefined;
  const previous = input.previousIndex && FileIndex.decode(input.previousIndex);
  const { root, kind, hash = "all" } = input;
  const toc = encodeToc(scanDirectory(root, { kind, previous, index, hash, check: context.check }));
  return index ? { toc, index: index.encode() } : { toc };
}

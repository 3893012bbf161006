import { encodeToc, FileIndex, scanDirectory } from "../../snapshots/mod.ts";
import type { JobContext, Jobs } from "../jobs.ts";

/** @see Jobs.scan */
export function scan(input: Jobs["scan"]["input"], context: JobContext): Jobs["scan"]["output"] {
  const index = input.withIndex ? FileIndex.begin() : undefined;
  const previous = input.previousIndex && FileIndex.decode(input.previousIndex);
  const toc = encodeToc(scanDirectory(input.root, { kind: input.kind, previous, index, check: context.check }));
  return index ? { toc, index: index.encode() } : { toc };
}

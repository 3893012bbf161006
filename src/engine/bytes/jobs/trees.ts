import { rmSync } from "node:fs";
import { decodeToc, sealDirectory, writeTree } from "../../snapshots/mod.ts";
import type { JobContext, Jobs } from "../jobs.ts";

/** @see Jobs.seal */
export function seal({ directory, toc, moves, links }: Jobs["seal"]["input"], context: JobContext): undefined {
  context.check();
  sealDirectory(directory, { toc: decodeToc(toc), moves, links });
}

/** @see Jobs.write */
export function write({ toc, directory }: Jobs["write"]["input"], context: JobContext): undefined {
  writeTree(decodeToc(toc), directory, context.check);
}

/** @see Jobs.remove */
export function remove({ path }: Jobs["remove"]["input"]): undefined {
  rmSync(path, { recursive: true, force: true });
}

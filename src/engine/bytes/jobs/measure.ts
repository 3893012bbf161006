import { type BigIntStats, lstatSync, readdirSync } from "node:fs";
import type { JobContext, Jobs } from "../jobs.ts";

/** @see Jobs.measure */
export function measure({ paths }: Jobs["measure"]["input"], context: JobContext): Jobs["measure"]["output"] {
  return paths.map((path) => diskBytes(Buffer.from(path), new Set(), context));
}

/** Blocks that are really there, so holes count nothing; of several names of a file in the same tree only the first counts. */
function diskBytes(path: Buffer, linked: Set<bigint>, context: JobContext): number {
  context.check();
  const stats = orMissing(() => lstatSync(path, { bigint: true }));
  if (!stats) return 0;
  if (isKnownLink(stats, linked)) return 0;
  let bytes = Number(stats.blocks) * 512;
  if (!stats.isDirectory()) return bytes;
  const slash = Buffer.from("/");
  for (const name of orMissing(() => readdirSync(path, { encoding: "buffer" })) ?? [])
    bytes += diskBytes(Buffer.concat([path, slash, name]), linked, context);
  return bytes;
}

function isKnownLink(stats: BigIntStats, linked: Set<bigint>): boolean {
  if (stats.isDirectory() || stats.nlink === 1n) return false;
  if (linked.has(stats.ino)) return true;
  linked.add(stats.ino);
  return false;
}

/** Others may delete what is being counted. */
function orMissing<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

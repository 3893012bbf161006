import { statfs } from "node:fs/promises";
import { BuildError, messageOf } from "../../base/errors/mod.ts";

/** SQLite's result code for a database that cannot grow. */
const sqliteFull = 13;

/**
 * A failure for want of room in the engine's state directory, with what people need to know about it: where, how much is free, and what to do.
 * Any other failure is returned as it is.
 */
export async function explainFullDisk(error: unknown, root: string): Promise<unknown> {
  if (!isFullDisk(error)) return error;
  const { details, location } = error instanceof BuildError ? error : {};
  const text = messageOf(error);
  const said = /no space left|quota/i.test(text) ? text : `${text}: no space left on device`;
  return new BuildError("resource_exhausted", `${said}: ${await fullDiskHint(root)}`, {
    cause: error,
    location,
    details: details ?? [],
  });
}

/** Of a process that has failed, whether that may be for want of room: says where and what to do; `undefined` where there is room. */
export async function fullDiskNow(root: string): Promise<string | undefined> {
  const { bavail, bsize, ffree, files } = await statfs(root);
  const isFull = bavail * bsize < scarceBytes || (files > 0 && ffree === 0);
  return isFull ? `no space left on device: ${await fullDiskHint(root)}` : undefined;
}

/** With less than this, hardly anything can be written. */
const scarceBytes = 64 * 1024;
/** With more than this, the disk is not full any more. */
const enoughBytes = 1024 * 1024;

async function fullDiskHint(root: string): Promise<string> {
  const { blocks, bavail, bsize, files, ffree } = await statfs(root);
  const free = bavail * bsize;
  const inodes = files > 0 && ffree === 0 ? " and no inodes" : "";
  const since = free < enoughBytes || inodes !== "" ? "" : ", now that what this build had begun to write is gone";
  return `the state directory ${root} has ${size(free)}${inodes} free of ${size(blocks * bsize)}${since}: make room, for instance with \`polyarch prune --all\`, or give the engine a larger disk`;
}

/** Whether somewhere among the causes a file could not be written because the disk, or what this user may have of it, is full. */
function isFullDisk(error: unknown, depth = 0): boolean {
  if (!(error instanceof Error) || depth > 20) return false;
  const { code, errcode } = error as NodeJS.ErrnoException & { readonly errcode?: number };
  if (code === "ENOSPC" || code === "EDQUOT") return true;
  if (code === "ERR_SQLITE_ERROR" && errcode !== undefined && (errcode & 0xff) === sqliteFull) return true;
  const others = error instanceof AggregateError ? error.errors : [];
  const suppressed = error instanceof SuppressedError ? [error.suppressed] : [];
  return [error.cause, ...others, ...suppressed].some((inner) => isFullDisk(inner, depth + 1));
}

function size(bytes: number): string {
  const units = ["B", "KB", "MB", "GB", "TB"];
  let value = bytes;
  let unit = 0;
  for (; value >= 1000 && unit < units.length - 1; unit++) value /= 1000;
  return `${unit === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)}${units[unit]}`;
}

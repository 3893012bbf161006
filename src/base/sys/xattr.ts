import { type Bytes, check, cString, errno, libc } from "./libc.ts";
import { systemError } from "../errors/mod.ts";

const ERANGE = 34;
const ENOTSUP = 95;
/** The kernel's limit for a list of names and for a value. */
const maxSize = 65_536n;
// Shared by all calls of this thread: every call is synchronous and copies out what it found.
const scratch = Buffer.alloc(Number(maxSize));

/** Names of the extended attributes of `path` itself (a link is not followed); none where the file system knows none. */
export function llistxattr(path: Bytes): string[] {
  const size = libc.llistxattr(cString(path), scratch, maxSize);
  if (size === -1 && errno() === ENOTSUP) return [];
  check(size, "llistxattr", path);
  // Each name ends in a NUL. They are bytes to the kernel; latin1 would tell them apart as well, but every known name is ASCII.
  return size === 0 ? [] : scratch.toString("utf8", 0, size - 1).split("\0");
}

/**
 * The value of one extended attribute of `path` itself.
 * @throws `ENODATA` when there is none of that name
 */
export function lgetxattr(path: Bytes, name: string): Uint8Array<ArrayBuffer> {
  const size = libc.lgetxattr(cString(path), cString(name), scratch, maxSize);
  if (size === -1) {
    const failed = errno();
    throw systemError(failed === ERANGE ? 7 : failed, "lgetxattr", path);
  }
  return new Uint8Array(scratch.subarray(0, size));
}

/** Sets one extended attribute of `path` itself, whether it exists or not. */
export function lsetxattr(path: Bytes, name: string, value: Uint8Array): void {
  check(libc.lsetxattr(cString(path), cString(name), value, BigInt(value.byteLength), 0), "lsetxattr", path);
}

/**
 * Removes one extended attribute of `path` itself.
 * @throws `ENODATA` when there is none of that name
 */
export function lremovexattr(path: Bytes, name: string): void {
  check(libc.lremovexattr(cString(path), cString(name)), "lremovexattr", path);
}

/** All extended attributes of `path` itself by name, or `undefined` when there are none: one system call for nearly every file. */
export function getxattrs(path: Bytes): Record<string, Uint8Array<ArrayBuffer>> | undefined {
  const names = llistxattr(path);
  if (names.length === 0) return undefined;
  return Object.fromEntries(names.map((name) => [name, lgetxattr(path, name)]));
}

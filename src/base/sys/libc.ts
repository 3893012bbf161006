import { dlopen, getInt32 } from "node:ffi";
import { systemError } from "../errors/mod.ts";

/** A path, or any other text that the kernel takes: names on disk need not be UTF-8, so bytes are as welcome as strings. */
export type Bytes = string | Uint8Array;

// `arguments` and `return` are the keys of Node 26.10; earlier 26.x documented other names, which are silently ignored. The self-test notices.
const { functions: c } = dlopen(null, {
  __errno_location: { arguments: [], return: "pointer" },
  // "pointer" takes addresses of bytes and plain 64-bit numbers alike, so one declaration serves every call.
  syscall: { arguments: ["i64", "pointer", "pointer", "pointer", "pointer", "pointer", "pointer"], return: "i64" },
  mount: { arguments: ["pointer", "pointer", "pointer", "u64", "pointer"], return: "i32" },
  umount2: { arguments: ["pointer", "i32"], return: "i32" },
  // The sizes that these return fit in 31 bits (the kernel's limit is 64 KiB).
  lgetxattr: { arguments: ["pointer", "pointer", "pointer", "u64"], return: "i32" },
  llistxattr: { arguments: ["pointer", "pointer", "u64"], return: "i32" },
  lsetxattr: { arguments: ["pointer", "pointer", "pointer", "u64", "i32"], return: "i32" },
  lremovexattr: { arguments: ["pointer", "pointer"], return: "i32" },
  utimensat: { arguments: ["i32", "pointer", "pointer", "i32"], return: "i32" },
  getsockopt: { arguments: ["i32", "i32", "i32", "pointer", "pointer"], return: "i32" },
  getppid: { arguments: [], return: "i32" },
  flock: { arguments: ["i32", "i32"], return: "i32" },
});

/** The C library's functions as declared above; every result must go through {@link check}. One set per thread. */
export const libc = c;

// One address per thread for as long as the thread lives; this module is loaded once per thread.
const errnoAddress = c.__errno_location();

/** `errno` of the calling thread: read it right after the failed call. */
export function errno(): number {
  return getInt32(errnoAddress);
}

/** Passes a result through; throws what `errno` says when it is -1. */
export function check(result: number | bigint, syscall: string, path?: Bytes, dest?: Bytes): number {
  const value = Number(result);
  if (value !== -1) return value;
  const failed = errno(); // before anything else: to find `systemError` may load it, from a file
  throw systemError(failed, syscall, path, dest);
}

/** `value` with the NUL that C wants behind it. */
export function cString(value: Bytes): Uint8Array {
  const bytes = typeof value === "string" ? Buffer.from(`${value}\0`) : Buffer.concat([value, Buffer.of(0)]);
  if (bytes.indexOf(0) !== bytes.length - 1)
    throw new TypeError(`Path or name with a NUL byte in it: ${JSON.stringify(String(value))}`);
  return bytes;
}

/** Calls the kernel directly. The result goes through {@link check}. */
export function syscall(number: bigint, ...args: readonly (number | Uint8Array | null)[]): bigint {
  const [a = null, b = null, c = null, d = null, e = null, f = null] = args.map((arg) =>
    typeof arg === "number" ? BigInt.asUintN(64, BigInt(arg)) : arg,
  );
  return libc.syscall(number, a, b, c, d, e, f);
}

/** Numbers of system calls that C libraries of 2018 (the oldest that Node runs on) have no function for. Most have one number everywhere. */
export const syscallNumber = {
  openTree: 428n,
  moveMount: 429n,
  fsopen: 430n,
  fsconfig: 431n,
  fsmount: 432n,
  openat2: 437n,
  mountSetattr: 442n,
  fcntl: process.arch === "arm64" ? 25n : 72n,
  ioctl: process.arch === "arm64" ? 29n : 16n,
  recvmsg: process.arch === "arm64" ? 212n : 47n,
  socket: process.arch === "arm64" ? 198n : 41n,
  sendto: process.arch === "arm64" ? 206n : 44n,
  mknodat: process.arch === "arm64" ? 33n : 259n,
  renameat2: process.arch === "arm64" ? 276n : 316n,
  unshare: process.arch === "arm64" ? 97n : 272n,
  setns: process.arch === "arm64" ? 268n : 308n,
} as const;

/** "Relative to the working directory", where a directory's descriptor is wanted. */
export const AT_FDCWD = -100;

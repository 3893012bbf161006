import { AT_FDCWD, type Bytes, check, cString, libc, syscall, syscallNumber } from "./libc.ts";

const AT_SYMLINK_NOFOLLOW = 0x100;
const RENAME_EXCHANGE = 2;
const O_CLOEXEC = 0o2000000;
const O_CREAT = 0o100;
const RESOLVE_NO_MAGICLINKS = 0x02n;
const RESOLVE_IN_ROOT = 0x10n;
const LOCK_EX = 2;
const LOCK_NB = 4;

/** Opens without reading or writing: a handle for the `*at` calls and for `/proc/self/fd/N`. */
export const O_PATH = 0o10000000;

/** Makes a device, fifo or socket node. `mode` includes the type bits (`0o020000` character, `0o060000` block, `0o010000` fifo). */
export function mknod(path: Bytes, mode: number, major = 0, minor = 0): void {
  check(syscall(syscallNumber.mknodat, AT_FDCWD, cString(path), mode, deviceNumber(major, minor)), "mknod", path);
}

/** Sets access and modification time of `path` itself (a link is not followed), exact to the nanosecond. */
export function lutimes(path: Bytes, time: { readonly sec: number | bigint; readonly nsec: number | bigint }): void {
  const { sec, nsec } = time;
  const times = new BigInt64Array([BigInt(sec), BigInt(nsec), BigInt(sec), BigInt(nsec)]);
  check(libc.utimensat(AT_FDCWD, cString(path), new Uint8Array(times.buffer), AT_SYMLINK_NOFOLLOW), "utimensat", path);
}

/** Swaps two paths of one file system in one step: nobody ever sees either of them missing. */
export function renameExchange(a: Bytes, b: Bytes): void {
  check(
    syscall(syscallNumber.renameat2, AT_FDCWD, cString(a), AT_FDCWD, cString(b), RENAME_EXCHANGE),
    "renameat2",
    a,
    b,
  );
}

/**
 * Opens `path` as a process would that had the directory `root` (a descriptor) as its root: no link, `..` or absolute path leaves it.
 * @returns a descriptor that the caller closes
 * @throws `ENOSYS` before Linux 5.6
 */
export function openInRoot(root: number, path: Bytes, flags: number, mode = 0): number {
  const how = new BigUint64Array([
    BigInt(flags | O_CLOEXEC),
    flags & O_CREAT ? BigInt(mode) : 0n,
    RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
  ]);
  const bytes = new Uint8Array(how.buffer);
  return check(syscall(syscallNumber.openat2, root, cString(path), bytes, bytes.byteLength), "openat2", path);
}

/** Takes the lock of an open file for this process alone, or says at once that somebody else holds it. It ends with the descriptor. */
export function tryLock(fd: number): boolean {
  try {
    check(libc.flock(fd, LOCK_EX | LOCK_NB), "flock");
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EAGAIN") return false;
    throw error;
  }
}

/** As the kernel packs it on the way in: 12 bits of major and 20 of minor, the minor's upper 12 on top. */
function deviceNumber(major: number, minor: number): number {
  return ((minor & 0xff) | ((major & 0xfff) << 8) | ((minor & ~0xff) << 12)) >>> 0;
}

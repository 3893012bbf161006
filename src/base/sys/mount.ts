import { type Bytes, check, cString, libc } from "./libc.ts";
import { isSystemError } from "../errors/mod.ts";
import { setMountReadonly } from "./mount-api.ts";

/** Flags of mount(2), by what they do. */
export const mountFlags = {
  readonly: 0x1n,
  nosuid: 0x2n,
  nodev: 0x4n,
  noexec: 0x8n,
  remount: 0x20n,
  bind: 0x1000n,
  move: 0x2000n,
  recursive: 0x4000n,
  private: 0x40000n,
  slave: 0x80000n,
  relatime: 0x200000n,
} as const;

const MNT_DETACH = 2;
const UMOUNT_NOFOLLOW = 8;

/** Mounts a file system of `type`, as mount(2). `data` is cut by the kernel at 4096 bytes without a word. */
export function mountFs(type: string, source: Bytes, target: Bytes, flags: bigint = 0n, data = ""): void {
  if (data.length >= 4096)
    throw new RangeError(`Mount options of ${data.length} bytes: the kernel would cut them at 4096`);
  check(libc.mount(cString(source), cString(target), cString(type), flags, cString(data)), "mount", source, target);
}

/** Shows `source` (a file or a directory) at `target` as well; `recursive` (the default) takes what is mounted below along. */
export function bindMount(
  source: Bytes,
  target: Bytes,
  options: { readonly?: boolean; recursive?: boolean } = {},
): void {
  const recursive = options.recursive ?? true;
  const flags = mountFlags.bind | (recursive ? mountFlags.recursive : 0n);
  check(libc.mount(cString(source), cString(target), null, flags, null), "mount", source, target);
  if (!options.readonly) return;
  try {
    setMountReadonly(target, { recursive });
  } catch (error) {
    unmount(target, { lazy: true });
    throw error;
  }
}

/** A new, empty file system in memory. `sizeBytes` undefined: half of the machine's memory; `mode` undefined: 1777. */
export function mountTmpfs(target: Bytes, options: { sizeBytes?: number; mode?: number } = {}): void {
  const data = [
    options.sizeBytes === undefined ? [] : `size=${options.sizeBytes}`,
    options.mode === undefined ? [] : `mode=${options.mode.toString(8)}`,
  ].flat();
  mountFs("tmpfs", "tmpfs", target, mountFlags.nosuid | mountFlags.nodev, data.join(","));
}

/** Undoes the topmost mount at `target` (a link is not followed). `lazy`: gone from sight at once, from the kernel when nobody uses it. */
export function unmount(target: Bytes, options: { lazy?: boolean } = {}): void {
  check(libc.umount2(cString(target), UMOUNT_NOFOLLOW | (options.lazy ? MNT_DETACH : 0)), "umount2", target);
}

/** As {@link unmount}; lazily when it is busy, and content when nothing is mounted there. @returns whether something was */
export function unmountIfMounted(target: Bytes): boolean {
  try {
    unmount(target);
  } catch (error) {
    if (isSystemError(error, "EINVAL", "ENOENT")) return false;
    if (!isSystemError(error, "EBUSY")) throw error;
    unmount(target, { lazy: true });
  }
  return true;
}

/** Cuts `target` (a mount point) and everything mounted below off from other mount namespaces, both ways. */
export function makePrivate(target: Bytes): void {
  check(libc.mount(null, cString(target), null, mountFlags.recursive | mountFlags.private, null), "mount", target);
}

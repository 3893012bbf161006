import { closeSync, constants, openSync } from "node:fs";
import { FilesystemContext } from "./mount-api.ts";
import { bindMount, mountFlags, mountFs } from "./mount.ts";
import { isSystemError } from "../errors/mod.ts";

const O_PATH = 0o10000000;

/** The directories of an overlay and where it appears. */
export interface OverlayOptions {
  /** Topmost first; at least one, at most 500, no two the same. */
  readonly lower: readonly string[];
  /** Where changes go. Both or neither, and both on one file system; without them the overlay is read-only. */
  readonly upper?: string | undefined;
  /** Empty, and never used before by an overlay with `volatile`. */
  readonly work?: string | undefined;
  readonly target: string;
  readonly readonly?: boolean;
  /** Never syncs to disk: right for trees that a crash may lose. */
  readonly volatile?: boolean;
  /** Keeps overlayfs' own marks in `user.overlay.*`, as an engine without privileges must. */
  readonly userxattr?: boolean;
}

/**
 * Mounts an overlay whose upper directory holds whole files only (no renamed-directory marks, no files without data), so that reading the upper
 * directory is reading the difference.
 */
export function mountOverlay(options: OverlayOptions): void {
  const { lower, upper, target } = options;
  const [only] = lower;
  if (only === undefined) throw new TypeError("An overlay needs at least one lower directory");
  // overlayfs refuses a single directory with nothing above it; a read-only view is the same thing.
  if (lower.length === 1 && upper === undefined) return bindMount(only, target, { readonly: true, recursive: false });
  try {
    mountLayerByLayer(options);
  } catch (error) {
    if (!isSystemError(error, "EINVAL", "ENOSYS")) throw error;
    try {
      mountInOneString(options);
    } catch {
      throw error; // the first attempt knows better what is wrong: it names the option
    }
  }
}

const features = { redirect_dir: "off", metacopy: "off", index: "off" } as const;

/** One call per lower directory, Linux 6.8 and later. */
function mountLayerByLayer({ lower, upper, work, target, ...options }: OverlayOptions): void {
  using context = new FilesystemContext("overlay");
  for (const dir of lower) context.set("lowerdir+", dir);
  if (upper !== undefined) context.set("upperdir", upper);
  if (work !== undefined) context.set("workdir", work);
  for (const [key, value] of Object.entries(features)) context.set(key, value);
  if (options.volatile && upper !== undefined) context.flag("volatile");
  if (options.userxattr) context.flag("userxattr");
  context.mount(target, { readonly: options.readonly ?? false });
}

/** mount(2), for kernels before 6.8. Its options must fit in a page, so the directories are named by descriptors: about 180 of them fit. */
export function mountInOneString({ lower, upper, work, target, ...options }: OverlayOptions): void {
  const descriptors: number[] = [];
  const open = (dir: string): string => {
    const fd = openSync(dir, O_PATH | constants.O_DIRECTORY);
    descriptors.push(fd);
    return `/proc/self/fd/${fd}`;
  };
  try {
    const data = [
      `lowerdir=${lower.map(open).join(":")}`,
      upper === undefined ? [] : `upperdir=${open(upper)}`,
      work === undefined ? [] : `workdir=${open(work)}`,
      Object.entries(features).map(([key, value]) => `${key}=${value}`),
      options.volatile && upper !== undefined ? "volatile" : [],
      options.userxattr ? "userxattr" : [],
    ].flat();
    mountFs("overlay", "overlay", target, options.readonly ? mountFlags.readonly : 0n, data.join(","));
  } finally {
    for (const fd of descriptors) closeSync(fd);
  }
}

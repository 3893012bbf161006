import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  read as readCallback,
  readdirSync,
  readlinkSync,
  type BigIntStats,
} from "node:fs";
import { promisify } from "node:util";
import type { fsutil, gateway } from "../../../../api/mod.ts";
import { BuildError } from "../../../../base/errors/mod.ts";
import { isSystemError, O_PATH, openInRoot } from "../../../../base/sys/mod.ts";
import { createPatternMatcher } from "../../../../base/text/patterns/mod.ts";
import { encodeStat, type FileStat, type FileType } from "../../../../filesync/mod.ts";
import type { GatewayContainer } from "./container.ts";

const read = promisify(readCallback);

/** What fits into a message beside all else. */
const readLimitBytes = 16 * 1024 * 1024 - 4096;

/** The bytes of a file of a container as it is now; links stay inside of the mount. */
export async function readContainerFile(
  container: GatewayContainer,
  { MountIndex, FilePath, Range }: Pick<gateway.ReadFileRequest, "MountIndex" | "FilePath" | "Range">,
): Promise<Uint8Array<ArrayBuffer>> {
  // Not to be kept waiting by a fifo.
  const fd = open(container, MountIndex, FilePath, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const stat = fstatSync(fd);
    if (!stat.isFile()) throw new BuildError("invalid_argument", `${FilePath} is not a regular file`);
    const from = Number(Range?.Offset ?? 0n);
    const wanted = Range && Range.Length > 0n ? Number(Range.Length) : stat.size - from;
    const size = Math.max(0, Math.min(wanted, stat.size - from));
    if (size > readLimitBytes) {
      throw new BuildError(
        "resource_exhausted",
        `${FilePath} is too large: ${size} bytes, ask for at most ${readLimitBytes}`,
      );
    }
    const bytes = Buffer.alloc(size);
    let filled = 0;
    while (filled < size) {
      const { bytesRead } = await read(fd, bytes, filled, size - filled, from + filled);
      if (bytesRead === 0) break;
      filled += bytesRead;
    }
    return bytes.subarray(0, filled);
  } finally {
    closeSync(fd);
  }
}

/** What lies directly in a directory of a container, sorted; `IncludePattern` empty means all of it. */
export function readContainerDirectory(
  container: GatewayContainer,
  { MountIndex, DirPath, IncludePattern }: Pick<gateway.ReadDirRequest, "MountIndex" | "DirPath" | "IncludePattern">,
): fsutil.Stat[] {
  const fd = open(container, MountIndex, DirPath, O_PATH | constants.O_DIRECTORY);
  try {
    const included = IncludePattern === "" ? undefined : createPatternMatcher([IncludePattern]);
    return readdirSync(`/proc/self/fd/${fd}`)
      .filter((name) => included?.matches(name) ?? true)
      .sort()
      .map((name) => statAt(`/proc/self/fd/${fd}/${name}`, name));
  } finally {
    closeSync(fd);
  }
}

/** What lies at a path of a container; a link there is not followed. */
export function statContainerFile(
  container: GatewayContainer,
  { MountIndex, Path }: Pick<gateway.StatFileRequest, "MountIndex" | "Path">,
): fsutil.Stat {
  const parts = Path.split("/").filter((part) => part !== "" && part !== ".");
  const name = parts.pop() ?? ".";
  const fd = open(container, MountIndex, parts.join("/") || ".", O_PATH | constants.O_DIRECTORY);
  try {
    return statAt(`/proc/self/fd/${fd}/${name}`, [...parts, name].join("/"));
  } catch (error) {
    if (isSystemError(error, "ENOENT")) throw missing("lstat", Path);
    throw error;
  } finally {
    closeSync(fd);
  }
}

function open({ mounts }: GatewayContainer, index: number, path: string, flags: number): number {
  const place = mounts.places[index];
  if (place === undefined) {
    throw new BuildError("invalid_argument", `mount ${index} of the container has no files that can be looked at`);
  }
  const root = openSync(place, O_PATH);
  try {
    return openInRoot(root, path === "" ? "." : path, flags);
  } catch (error) {
    if (isSystemError(error, "ENOENT", "ENOTDIR", "ELOOP")) throw missing("open", path);
    throw error;
  } finally {
    closeSync(root);
  }
}

function missing(call: string, path: string): BuildError {
  return new BuildError("not_found", `${call} ${path}: no such file or directory`);
}

function statAt(path: string, name: string): fsutil.Stat {
  const stat = lstatSync(path, { bigint: true });
  const type = typeOf(stat);
  const device = Number(stat.rdev);
  const entry: FileStat = {
    path: name,
    type,
    mode: Number(stat.mode) & 0o7777,
    uid: Number(stat.uid),
    gid: Number(stat.gid),
    size: type === "file" ? Number(stat.size) : 0,
    mtimeSec: Number(stat.mtimeNs / 1_000_000_000n),
    mtimeNsec: Number(stat.mtimeNs % 1_000_000_000n),
    ...(type === "symlink" ? { linkname: readlinkSync(path) } : {}),
    ...(type === "char" || type === "block"
      ? { devMajor: (device >> 8) & 0xfff, devMinor: (device & 0xff) | ((device >> 12) & 0xfff00) }
      : {}),
  };
  return encodeStat(entry);
}

function typeOf(stat: BigIntStats): FileType {
  if (stat.isFile()) return "file";
  if (stat.isDirectory()) return "dir";
  if (stat.isSymbolicLink()) return "symlink";
  if (stat.isCharacterDevice()) return "char";
  if (stat.isBlockDevice()) return "block";
  return stat.isFIFO() ? "fifo" : "socket";
}

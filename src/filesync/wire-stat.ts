import { create } from "../base/protobuf/mod.ts";
import { fsutil } from "../api/mod.ts";
import { BuildError } from "../base/errors/mod.ts";
import type { FileStat, FileType } from "./file-stat.ts";

/** Bits of Go's `os.FileMode`, which is what travels (not st_mode). */
const bits = {
  dir: 1 << 31,
  symlink: 1 << 27,
  device: 1 << 26,
  fifo: 1 << 25,
  socket: 1 << 24,
  setuid: 1 << 23,
  setgid: 1 << 22,
  char: 1 << 21,
  sticky: 1 << 20,
  irregular: 1 << 19,
} as const;
const typeMask = 0x8f280000 | 0;

const typeBits: Readonly<Record<FileType, number>> = {
  file: 0,
  dir: bits.dir,
  symlink: bits.symlink,
  fifo: bits.fifo,
  block: bits.device,
  char: bits.device | bits.char,
  socket: 0, // travels as an empty file
};

/** Permission bits of st_mode (0…07777) and a type as Go's mode. */
export function encodeMode(type: FileType, mode: number): number {
  let wire = typeBits[type] | (mode & 0o777);
  if (mode & 0o4000) wire |= bits.setuid;
  if (mode & 0o2000) wire |= bits.setgid;
  if (mode & 0o1000) wire |= bits.sticky;
  return wire >>> 0;
}

/** The two halves of Go's mode; `undefined` for a type that no tree can hold. */
export function decodeMode(wire: number): { readonly type: FileType; readonly mode: number } | undefined {
  const mode =
    (wire & 0o777) |
    (wire & bits.setuid ? 0o4000 : 0) |
    (wire & bits.setgid ? 0o2000 : 0) |
    (wire & bits.sticky ? 0o1000 : 0);
  const masked = wire & typeMask;
  const type = (Object.keys(typeBits) as FileType[]).find((candidate) => typeBits[candidate] === masked);
  if (type) return { type, mode };
  return masked === bits.socket ? { type: "socket", mode } : undefined;
}

/** An entry as it travels. */
export function encodeStat(stat: FileStat): fsutil.Stat {
  const { type } = stat;
  return create(fsutil.StatSchema, {
    path: stat.path,
    mode: encodeMode(type, stat.mode),
    uid: stat.uid,
    gid: stat.gid,
    size: BigInt(type === "symlink" ? Buffer.byteLength(stat.linkname ?? "") : type === "file" ? stat.size : 0),
    modTime: BigInt(stat.mtimeSec) * 1_000_000_000n + BigInt(stat.mtimeNsec),
    linkname: stat.linkname ?? stat.hardlink ?? "",
    devmajor: BigInt(stat.devMajor ?? 0),
    devminor: BigInt(stat.devMinor ?? 0),
    xattrs: { ...stat.xattrs },
  });
}

/**
 * An entry that has arrived. Its path is not looked at here.
 * @throws {BuildError} `invalid_argument` for a mode or size that makes no sense
 */
export function decodeStat(wire: fsutil.Stat): FileStat {
  const decoded = decodeMode(wire.mode);
  const quoted = JSON.stringify(wire.path);
  if (!decoded) throw new BuildError("invalid_argument", `invalid mode 0x${wire.mode.toString(16)} of ${quoted}`);
  const { type, mode } = decoded;
  const size = Number(wire.size);
  if (size < 0 || !Number.isSafeInteger(size))
    throw new BuildError("invalid_argument", `invalid size ${wire.size} of ${quoted}`);
  const mtimeNsec = Number(((wire.modTime % 1_000_000_000n) + 1_000_000_000n) % 1_000_000_000n);
  const isDevice = type === "char" || type === "block";
  return {
    path: wire.path,
    type,
    mode,
    uid: wire.uid,
    gid: wire.gid,
    size: type === "file" ? size : 0,
    mtimeSec: Number((wire.modTime - BigInt(mtimeNsec)) / 1_000_000_000n),
    mtimeNsec,
    ...(type === "symlink" ? { linkname: wire.linkname } : {}),
    ...(type !== "symlink" && type !== "dir" && wire.linkname !== "" ? { hardlink: wire.linkname } : {}),
    ...(isDevice ? { devMajor: Number(wire.devmajor), devMinor: Number(wire.devminor) } : {}),
    ...(Object.keys(wire.xattrs).length > 0 ? { xattrs: wire.xattrs } : {}),
  };
}

import { BuildError } from "../base/errors/mod.ts";

/** What a member of an archive is. */
export type TarEntryType = "file" | "hardlink" | "symlink" | "char" | "block" | "dir" | "fifo";

/** Everything that an archive says about one member, whatever dialect it was said in. */
export interface TarEntry {
  /** As in the archive: may be absolute, contain `..`, or end in `/`. Bytes that are no UTF-8 are kept, see `pathFromBytes`. */
  readonly name: string;
  readonly type: TarEntryType;
  /** Permission bits with setuid, setgid and sticky (0…07777). */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Bytes of content that follow; 0 for everything but files. */
  readonly size: number;
  readonly mtimeSec: number;
  readonly mtimeNsec: number;
  /** Target of a symlink, or name of the member that a hardlink is another name of. */
  readonly linkname?: string;
  readonly devMajor?: number;
  readonly devMinor?: number;
  /** Raw values by name, sorted by name. */
  readonly xattrs?: Readonly<Record<string, Uint8Array>>;
}

/** The archive is damaged, hostile, or in a dialect that is not read. */
export class TarError extends BuildError {
  constructor(message: string, options: ErrorOptions = {}) {
    super("invalid_argument", `archive/tar: ${message}`, options);
  }
}

/** Archives are made of blocks of this size. */
export const blockSize = 512;

/** How many zero bytes follow `size` bytes of content. */
export function paddingOf(size: number): number {
  return (blockSize - (size % blockSize)) % blockSize;
}

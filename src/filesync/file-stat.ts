/** What an entry of a tree is. A hardlink is a `file` with {@link FileStat.hardlink}. */
export type FileType = "file" | "dir" | "symlink" | "char" | "block" | "fifo" | "socket";

/** One path of a directory tree, without its bytes. */
export interface FileStat {
  /** Relative to the tree's root, `/`-separated, clean. */
  readonly path: string;
  readonly type: FileType;
  /** Permission bits with setuid, setgid and sticky (0…07777), no type bits. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Bytes of a regular file, 0 otherwise. */
  readonly size: number;
  /** Modification time: whole seconds and nanoseconds (0…999,999,999) since the epoch. */
  readonly mtimeSec: number;
  readonly mtimeNsec: number;
  /** Target of a symlink, verbatim. */
  readonly linkname?: string;
  /** Path of an earlier entry that this file is another name of; `size` repeats that one's. */
  readonly hardlink?: string;
  readonly devMajor?: number;
  readonly devMinor?: number;
  /** Raw values of extended attributes by name. */
  readonly xattrs?: Readonly<Record<string, Uint8Array>>;
}

import type { Digest } from "../../oci/mod.ts";

/** What an entry of a tree is. `hardlink`s are `file`s with {@link TocEntry.hardlink}. */
export type EntryType = "file" | "dir" | "symlink" | "char" | "block" | "fifo" | "socket";

/**
 * One path of a tree. Values only; where a file's bytes are is told by {@link TocEntry.content}.
 *
 * @see https://github.com/opencontainers/image-spec/blob/main/layer.md
 */
export interface TocEntry {
  /** Relative, `/`-separated, clean; the root directory itself is `""` (present only where its metadata is known). */
  readonly path: string;
  readonly type: EntryType;
  /** Permission bits with setuid, setgid and sticky (0…07777), no type bits. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Bytes of a regular file, 0 otherwise. */
  readonly size: number;
  /** Modification time: whole seconds and nanoseconds (0…999,999,999) since the epoch. */
  readonly mtimeSec: number;
  readonly mtimeNsec: number;
  /**
   * sha256 of a regular file's bytes. Whoever has every byte pass by records it; of what a process wrote, files with one name lack it until
   * somebody needs it (`Ref.digests`).
   */
  readonly digest?: Digest;
  /** Target of a symlink, verbatim. */
  readonly linkname?: string;
  /** Path of the earlier entry of the same layer that this file is another name of; `digest`, `size`, `content` repeat that one's. */
  readonly hardlink?: string;
  readonly devMajor?: number;
  readonly devMinor?: number;
  /** Raw values by name, sorted by name. */
  readonly xattrs?: Readonly<Record<string, Uint8Array>>;
  /** Where the bytes of a regular file are on this machine; absent when its layer has to be unpacked first. */
  readonly content?: FileContent;
}

/** Bytes of a regular file: a range of a file on disk, or held in memory (small, generated). */
export type FileContent =
  | {
      readonly kind: "range";
      /** Absolute path of the file that holds the bytes. */
      readonly file: string;
      /** Where they begin in it: 0 for a plain file, beyond that for a member of an uncompressed tar. */
      readonly offsetBytes: number;
    }
  | { readonly kind: "bytes"; readonly data: Uint8Array };

/**
 * The table of contents of one layer, or of one directory tree: everything that it adds, and what it deletes.
 * `entries` are sorted as filesync sorts (byte by byte, `/` lowest: a directory comes directly before its children).
 */
export interface LayerToc {
  readonly entries: readonly TocEntry[];
  /** Paths that this layer removes from those below (AUFS `.wh.<name>`, overlay 0:0 device). */
  readonly whiteouts: readonly string[];
  /** Directories whose lower content this layer hides (`.wh..wh..opq`, `trusted.overlay.opaque`). */
  readonly opaques: readonly string[];
}

/**
 * The merged view of a stack of layers: what a process standing on them would see. Read only; look-ups never touch the disk.
 * Paths are relative and clean; `""` is the root, which always exists.
 */
export interface Tree {
  /** The entry at exactly `path`, symlinks not followed; `undefined` when there is none. */
  get(path: string): TocEntry | undefined;
  /** Names of the direct children of the directory `path`, sorted by bytes; empty when it is no directory. */
  children(path: string): readonly string[];
  /** All entries at and below `path` (itself first), in filesync order. */
  walk(path: string): Iterable<TocEntry>;
  /** The layer that the entry at exactly `path` comes from; `undefined` for what no layer describes. */
  layerOf(path: string): LayerToc | undefined;
}

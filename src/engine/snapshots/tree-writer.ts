import {
  chmodSync,
  closeSync,
  fchmodSync,
  fchownSync,
  lchownSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  rmSync,
  symlinkSync,
  writeSync,
  constants,
} from "node:fs";
import { isSystemError, lsetxattr, lutimes, mknod } from "../../base/sys/mod.ts";
import { pathForSystem } from "../../tar/mod.ts";
import { parentOf } from "./path-order.ts";
import type { TocEntry } from "./toc.ts";
import { opaqueXattr } from "./xattrs.ts";

/** What {@link TreeWriter} needs to know of an entry besides its path. */
export type EntryMetadata = Omit<TocEntry, "path" | "type" | "size">;

const fileFlags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
const typeBits = { char: 0o020000, block: 0o060000, fifo: 0o010000, socket: 0o140000 } as const;

/**
 * Writes entries into a directory of its own, synchronously (for worker threads).
 *
 * The directory must be private to the caller until it is done. Paths must be clean and lead through real directories only: whoever reads them
 * from an archive resolves links first. Then nothing is ever written through a link: files are created with O_EXCL, everything else is.
 * Directories are made open to the writer alone; their metadata comes at the end, by {@link directoryMetadata}.
 */
export class TreeWriter {
  readonly root: string;
  readonly #made = new Set<string>([""]);
  constructor(root: string) {
    this.root = root;
  }

  /** The path on disk. */
  at(path: string): string | Buffer {
    return pathForSystem(path === "" ? this.root : `${this.root}/${path}`);
  }

  /** Makes the directory and those it lies in, where they are missing. */
  directory(path: string): void {
    if (this.#made.has(path)) return;
    this.directory(parentOf(path));
    try {
      mkdirSync(this.at(path), 0o700);
    } catch (error) {
      // An earlier writer of this tree may have made it.
      if (!isSystemError(error, "EEXIST") || !lstatSync(this.at(path)).isDirectory()) throw error;
    }
    this.#made.add(path);
  }

  /** Creates a file. Write to the descriptor, then call {@link endFile}. */
  beginFile(path: string): number {
    this.directory(parentOf(path));
    return openSync(this.at(path), fileFlags, 0o600);
  }

  /** Gives the file its metadata and closes it. */
  endFile(fd: number, path: string, metadata: EntryMetadata): void {
    try {
      // Changing the owner takes away setuid and capabilities: it comes first.
      if (metadata.uid !== 0 || metadata.gid !== 0) fchownSync(fd, metadata.uid, metadata.gid);
      fchmodSync(fd, metadata.mode);
    } finally {
      closeSync(fd);
    }
    this.#finish(path, metadata);
  }

  /** A small file in one call. */
  file(path: string, bytes: Uint8Array, metadata: EntryMetadata): void {
    const fd = this.beginFile(path);
    writeFully(fd, bytes);
    this.endFile(fd, path, metadata);
  }

  symlink(path: string, target: string, metadata: EntryMetadata): void {
    this.directory(parentOf(path));
    symlinkSync(pathForSystem(target), this.at(path));
    lchownSync(this.at(path), metadata.uid, metadata.gid);
    this.#finish(path, metadata);
  }

  /** Device or fifo. */
  node(path: string, type: keyof typeof typeBits, metadata: EntryMetadata): void {
    this.directory(parentOf(path));
    mknod(this.at(path), typeBits[type] | 0o600, metadata.devMajor ?? 0, metadata.devMinor ?? 0);
    lchownSync(this.at(path), metadata.uid, metadata.gid);
    chmodSync(this.at(path), metadata.mode);
    this.#finish(path, metadata);
  }

  /** Another name of a file: `existing` is a path of this tree, or an absolute path on disk. */
  link(path: string, existing: string): void {
    this.directory(parentOf(path));
    linkSync(existing.startsWith("/") ? pathForSystem(existing) : this.at(existing), this.at(path));
  }

  /** Removes whatever is at `path`, with everything below it. */
  remove(path: string): void {
    rmSync(this.at(path), { recursive: true, force: true });
    for (const made of this.#made) if (made === path || made.startsWith(`${path}/`)) this.#made.delete(made);
  }

  /** overlayfs' mark that `path` is deleted from the layers below. */
  whiteout(path: string): void {
    this.directory(parentOf(path));
    mknod(this.at(path), typeBits.char, 0, 0);
  }

  /** overlayfs' mark that this directory hides those below. */
  opaque(path: string): void {
    this.directory(path);
    lsetxattr(this.at(path), opaqueXattr, opaqueYes);
  }

  /** Owner, mode, xattrs and time of a directory; nothing in it may change afterwards. */
  directoryMetadata(path: string, metadata: EntryMetadata): void {
    lchownSync(this.at(path), metadata.uid, metadata.gid);
    chmodSync(this.at(path), metadata.mode);
    this.#finish(path, metadata);
  }

  #finish(path: string, metadata: EntryMetadata): void {
    const target = this.at(path);
    for (const [name, value] of Object.entries(metadata.xattrs ?? {})) setXattr(target, name, value);
    lutimes(target, { sec: metadata.mtimeSec, nsec: metadata.mtimeNsec });
  }
}

/** Writes all of `bytes`: a single call may write less, for instance when the disk is nearly full. */
export function writeFully(fd: number, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at);
}

const opaqueYes = Buffer.from("y");

function setXattr(target: string | Buffer, name: string, value: Uint8Array): void {
  try {
    lsetxattr(target, name, value);
  } catch (error) {
    // tmpfs and others know no user.* attributes, and links never have them; the table of contents keeps them.
    if (!(isSystemError(error, "ENOTSUP", "EOPNOTSUPP", "EPERM") && name.startsWith("user."))) throw error;
  }
}

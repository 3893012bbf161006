import { randomBytes } from "node:crypto";
import {
  chmodSync,
  closeSync,
  constants,
  lchownSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  symlinkSync,
  unlinkSync,
} from "node:fs";
import { makeDirectorySync } from "../base/files/mod.ts";
import { lsetxattr, lutimes, mknod } from "../base/sys/mod.ts";
import type { FileStat } from "./file-stat.ts";
import { RootedDirectory } from "./rooted-directory.ts";

/** A regular file that is being written under a temporary name. */
export interface OpenFile {
  readonly fd: number;
  readonly temporary: string;
}

/**
 * Puts entries below a directory. Everything but a directory appears by rename, complete and with its metadata, so that whoever is killed leaves nothing
 * that looks finished and is not. Nothing is ever followed out of the root.
 */
export class EntryWriter implements Disposable {
  readonly #root: RootedDirectory;
  readonly #uid = process.getuid?.() ?? 0;
  readonly #gid = process.getgid?.() ?? 0;
  readonly #temporary = new Set<string>();
  /** Names nobody else comes up with; the number makes each of them new. */
  readonly #temporaryPrefix = `.tmp.${randomBytes(8).toString("hex")}.`;
  #temporaryCount = 0;
  /** @param root created when missing */
  constructor(root: string) {
    makeDirectorySync(root, { mode: 0o700 });
    this.#root = new RootedDirectory(root);
  }
  /** Makes the directory, or makes sure of it; its metadata follow with {@link finishDirectory}, since what is put into it changes them. */
  openDirectory(path: string): void {
    const stats = lstatSync(this.#root.at(path), { throwIfNoEntry: false });
    if (stats?.isDirectory()) {
      if ((stats.mode & 0o700) !== 0o700) chmodSync(this.#root.at(path), (stats.mode & 0o7777) | 0o700);
      return;
    }
    if (stats) unlinkSync(this.#root.at(path));
    this.#root.forget(path);
    mkdirSync(this.#root.at(path), { mode: 0o700 });
  }
  finishDirectory(stat: FileStat): void {
    this.#setMetadata(stat.path, stat);
  }
  /** Makes a symlink, hardlink, device or fifo. */
  writeSpecial(stat: FileStat): void {
    const temporary = this.#temporaryName(stat.path);
    try {
      const name = this.#root.at(temporary);
      if (stat.hardlink !== undefined) linkSync(this.#root.at(stat.hardlink), name);
      else if (stat.type === "symlink") symlinkSync(stat.linkname ?? "", name);
      else if (stat.type === "fifo") mknod(name, 0o010000 | 0o600);
      else if (stat.type === "char") mknod(name, 0o020000 | 0o600, stat.devMajor, stat.devMinor);
      else if (stat.type === "block") mknod(name, 0o060000 | 0o600, stat.devMajor, stat.devMinor);
      else closeSync(openSync(name, constants.O_CREAT | constants.O_EXCL | constants.O_WRONLY, 0o600));
      if (stat.hardlink === undefined) this.#setMetadata(temporary, stat);
      this.#moveIntoPlace(temporary, stat.path);
      // The kernel leaves both names when they are links to one file already.
      if (stat.hardlink !== undefined) this.#discard(temporary);
    } catch (error) {
      this.#discard(temporary);
      throw error;
    }
  }
  /** Opens a new file for the bytes of `path`; {@link finishFile} or {@link abortFile} must follow. */
  openFile(path: string): OpenFile {
    const temporary = this.#temporaryName(path);
    const flags = constants.O_CREAT | constants.O_EXCL | constants.O_WRONLY | constants.O_NOFOLLOW;
    const fd = openSync(this.#root.at(temporary), flags, 0o600);
    return { fd, temporary };
  }
  finishFile({ fd, temporary }: OpenFile, stat: FileStat): void {
    closeSync(fd);
    try {
      this.#setMetadata(temporary, stat);
      this.#moveIntoPlace(temporary, stat.path);
    } catch (error) {
      this.#discard(temporary);
      throw error;
    }
  }
  abortFile({ fd, temporary }: OpenFile): void {
    closeSync(fd);
    this.#discard(temporary);
  }
  /** Removes what is at `path` with everything below; fine when there is nothing. */
  remove(path: string): void {
    this.#root.forget(path);
    try {
      rmSync(this.#root.at(path), { recursive: true, force: true });
    } catch (error) {
      // A directory above has become something else meanwhile: then nothing of the old tree is left there.
      if (!["ENOTDIR", "ELOOP", "ENOENT"].includes((error as NodeJS.ErrnoException).code ?? "")) throw error;
    }
  }
  [Symbol.dispose](): void {
    for (const temporary of this.#temporary) this.#discard(temporary);
    this.#root[Symbol.dispose]();
  }
  #temporaryName(path: string): string {
    const directory = path.slice(0, path.lastIndexOf("/") + 1);
    const temporary = `${directory}${this.#temporaryPrefix}${this.#temporaryCount++}`;
    this.#temporary.add(temporary);
    return temporary;
  }
  #moveIntoPlace(temporary: string, path: string): void {
    const from = this.#root.at(temporary);
    const to = this.#root.at(path);
    try {
      renameSync(from, to);
    } catch (error) {
      if (!["EISDIR", "ENOTEMPTY", "EEXIST"].includes((error as NodeJS.ErrnoException).code ?? "")) throw error;
      this.remove(path); // a directory is in the way
      renameSync(this.#root.at(temporary), this.#root.at(path));
    }
    this.#temporary.delete(temporary);
  }
  #discard(temporary: string): void {
    this.#temporary.delete(temporary);
    try {
      rmSync(this.#root.at(temporary), { force: true });
    } catch {
      // its directory is gone, and the file with it
    }
  }
  /** Owner first: changing it clears set-user-ID bits and file capabilities. */
  #setMetadata(path: string, stat: FileStat): void {
    const name = this.#root.at(path);
    if (stat.type === "dir" || stat.uid !== this.#uid || stat.gid !== this.#gid) lchownSync(name, stat.uid, stat.gid);
    if (stat.type !== "symlink") chmodSync(name, stat.mode);
    for (const [key, value] of Object.entries(stat.xattrs ?? {})) {
      if (!isTransferable(key)) continue;
      try {
        lsetxattr(name, key, value);
      } catch {
        // not every file system takes every attribute; fsutil goes on as well
      }
    }
    lutimes(name, { sec: stat.mtimeSec, nsec: stat.mtimeNsec });
  }
}

/** Attributes that an overlay file system takes for its own orders must not come from outside, nor those of a security module. */
function isTransferable(name: string): boolean {
  if (name.startsWith("trusted.overlay.") || name.startsWith("user.overlay.")) return false;
  return name === "security.capability" || name.startsWith("user.") || name.startsWith("trusted.");
}

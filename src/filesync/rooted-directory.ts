import { closeSync, constants, openSync } from "node:fs";

/** Directories that are kept open at once: more than two paths of the greatest depth accepted have. */
const maxOpen = 600;
const flags = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;

/**
 * Names paths below a directory in a way that no symlink can lead out of it: each directory on the way is opened by itself, from the descriptor of
 * the one above, and refused when it is a link.
 */
export class RootedDirectory implements Disposable {
  readonly #root: number;
  /** Open directories by path, the least recently used first. */
  readonly #open = new Map<string, number>();
  /** @param root may be a symlink itself; must exist */
  constructor(root: string) {
    this.#root = openSync(root, constants.O_RDONLY | constants.O_DIRECTORY);
  }
  /**
   * A name of `path` (relative, clean) for system calls that do not follow a link in its last component. Good until the call after the next.
   * @throws `ENOENT`, `ENOTDIR` or `ELOOP` when a directory above is missing, no directory or a symlink
   */
  at(path: string): string {
    const cut = path.lastIndexOf("/");
    return `/proc/self/fd/${this.#directory(cut < 0 ? "" : path.slice(0, cut))}/${path.slice(cut + 1)}`;
  }
  /** Forgets the open directories at and below `path`, which has been replaced. */
  forget(path: string): void {
    for (const [open, fd] of this.#open) {
      if (open === path || open.startsWith(`${path}/`)) this.#close(open, fd);
    }
  }
  [Symbol.dispose](): void {
    for (const [path, fd] of this.#open) this.#close(path, fd);
    closeSync(this.#root);
  }
  #directory(path: string): number {
    if (path === "") return this.#root;
    const open = this.#open.get(path);
    if (open !== undefined) {
      this.#open.delete(path);
      this.#open.set(path, open);
      return open;
    }
    const cut = path.lastIndexOf("/");
    const parent = this.#directory(cut < 0 ? "" : path.slice(0, cut));
    const fd = openSync(`/proc/self/fd/${parent}/${path.slice(cut + 1)}`, flags);
    this.#open.set(path, fd);
    if (this.#open.size > maxOpen) {
      const [oldest, oldFd] = this.#open.entries().next().value as [string, number];
      this.#close(oldest, oldFd);
    }
    return fd;
  }
  #close(path: string, fd: number): void {
    this.#open.delete(path);
    closeSync(fd);
  }
}

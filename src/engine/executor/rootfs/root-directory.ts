import {
  closeSync,
  constants,
  fstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  readlinkSync,
  readSync,
  statSync,
} from "node:fs";
import { isSystemError, lutimes, O_PATH, openInRoot } from "../../../base/sys/mod.ts";

/** A file or directory to be made in a root. */
export interface Missing {
  /** Path inside the root; may go through links as a process inside would follow them. */
  readonly path: string;
  readonly kind: "file" | "directory";
  /** What had to be made above it stays, when it goes. */
  readonly keepsParents?: boolean;
}

/** Something that was made: its name, and the directory that it is in as a path inside the root. */
export interface Made {
  readonly parent: string;
  readonly name: string;
  readonly kind: "file" | "directory";
  /** When that directory had changed last before this was made in it, in nanoseconds. */
  readonly parentChangedAt: bigint;
}

const maxLinks = 40;

/**
 * A directory that will be some process's root. Every path is resolved by the kernel inside of it: links that an image brings along (`/etc -> /`,
 * `passwd -> ../../../etc/passwd`) never reach the machine's own files. Holds one descriptor; dispose of it.
 */
export class RootDirectory implements Disposable {
  readonly #fd: number;
  constructor(path: string) {
    this.#fd = openSync(path, O_PATH | constants.O_DIRECTORY);
  }
  [Symbol.dispose](): void {
    closeSync(this.#fd);
  }

  /** The text of a file; empty when it is missing, no regular file or larger than `maxBytes`. */
  readText(path: string, options: { maxBytes: number }): string {
    try {
      const fd = openInRoot(this.#fd, path, constants.O_RDONLY | constants.O_NONBLOCK);
      try {
        const stat = fstatSync(fd);
        return stat.isFile() && stat.size <= options.maxBytes ? readFileSync(fd, "utf8") : "";
      } finally {
        closeSync(fd);
      }
    } catch (error) {
      if (isSystemError(error)) return "";
      throw error;
    }
  }

  /** The first bytes of a file, as many as there are up to `maxBytes`; `undefined` when it is missing or no regular file. */
  readStart(path: string, options: { maxBytes: number }): Uint8Array | undefined {
    try {
      const fd = openInRoot(this.#fd, path, constants.O_RDONLY | constants.O_NONBLOCK);
      try {
        if (!fstatSync(fd).isFile()) return undefined;
        const bytes = Buffer.alloc(options.maxBytes);
        return bytes.subarray(0, readSync(fd, bytes, 0, bytes.length, 0));
      } finally {
        closeSync(fd);
      }
    } catch (error) {
      if (isSystemError(error)) return undefined;
      throw error;
    }
  }

  /** Makes what is missing of `path`, and says what that was, outermost first. Links that point nowhere are followed to where they would lead. */
  make({ path, kind }: Missing): Made[] {
    const made: Made[] = [];
    const rest = components(path);
    let parent = "/";
    let links = 0;
    for (let name = rest.shift(); name !== undefined; name = rest.shift()) {
      const current = `${parent === "/" ? "" : parent}/${name}`;
      if (!this.#exists(current)) {
        const link = this.#readLink(parent, name);
        if (link !== undefined) {
          if (++links > maxLinks)
            throw Object.assign(new Error(`ELOOP: too many symbolic links, '${path}'`), { code: "ELOOP" });
          rest.unshift(...components(link));
          if (link.startsWith("/")) parent = "/";
          continue;
        }
        const step: Made = {
          parent,
          name,
          kind: rest.length > 0 ? "directory" : kind,
          parentChangedAt: this.changedAt(parent),
        };
        this.inside(parent, (directory) => makeIn(directory, step));
        made.push(step);
      }
      parent = current;
    }
    return made;
  }

  /** Does something with a directory of the root, given as a path that is good while `use` runs. */
  inside<T>(directory: string, use: (path: string) => T): T {
    const fd = openInRoot(this.#fd, directory, O_PATH | constants.O_DIRECTORY);
    try {
      return use(`/proc/self/fd/${fd}`);
    } finally {
      closeSync(fd);
    }
  }

  /** When the content of a directory changed last, in nanoseconds. */
  changedAt(directory: string): bigint {
    return this.inside(directory, (path) => statSync(path, { bigint: true }).mtimeNs);
  }

  setChangedAt(directory: string, mtimeNs: bigint): void {
    this.inside(directory, (path) =>
      lutimes(`${path}/.`, { sec: mtimeNs / 1_000_000_000n, nsec: mtimeNs % 1_000_000_000n }),
    );
  }

  #exists(path: string): boolean {
    try {
      closeSync(openInRoot(this.#fd, path, O_PATH));
      return true;
    } catch (error) {
      if (isSystemError(error, "ENOENT")) return false;
      throw error;
    }
  }

  #readLink(parent: string, name: string): string | undefined {
    return this.inside(parent, (directory) => {
      try {
        return readlinkSync(`${directory}/${name}`);
      } catch (error) {
        if (isSystemError(error, "ENOENT", "EINVAL")) return undefined;
        throw error;
      }
    });
  }
}

function makeIn(directory: string, { name, kind }: Made): void {
  if (kind === "directory") mkdirSync(`${directory}/${name}`, { mode: 0o755 });
  else closeSync(openSync(`${directory}/${name}`, constants.O_CREAT | constants.O_EXCL | constants.O_WRONLY, 0o644));
}

function components(path: string): string[] {
  return path.split("/").filter((name) => name !== "" && name !== ".");
}

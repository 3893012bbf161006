import { existsSync, mkdirSync, readdirSync, rmdirSync, unlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { makeDirectorySync } from "../../../base/files/mod.ts";
import { isSystemError } from "../../../base/sys/mod.ts";

/**
 * Directories of the processes that run, one each: `config.json` for the runtime. A directory that is there at start belongs to a process of an engine
 * that was killed.
 */
export class Bundles {
  readonly #directory: string;
  constructor(directory: string) {
    this.#directory = directory;
    makeDirectorySync(directory, { mode: 0o700 });
  }

  /** @throws `EEXIST` when a process of that id runs */
  create(id: string, content: { readonly cgroupParent: string | undefined }): string {
    const path = join(this.#directory, id);
    mkdirSync(path);
    if (content.cgroupParent) writeFileSync(join(path, "cgroup-parent"), content.cgroupParent);
    return path;
  }

  /** Content when it is gone already. */
  remove(id: string): void {
    // Names are known: much cheaper than a recursive removal, which has to look.
    for (const name of ["config.json", "cgroup-parent", ""]) {
      const path = join(this.#directory, id, name);
      try {
        if (name === "") rmdirSync(path);
        else if (existsSync(path)) unlinkSync(path);
      } catch (error) {
        if (!isSystemError(error, "ENOENT")) throw error;
      }
    }
  }

  list(): readonly string[] {
    return readdirSync(this.#directory);
  }

  path(id: string): string {
    return join(this.#directory, id);
  }
}

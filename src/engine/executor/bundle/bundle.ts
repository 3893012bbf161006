import { mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/**
 * Directories of the processes that run, one each: `config.json` for the runtime. A directory that is there at start belongs to a process of an engine
 * that was killed.
 */
export class Bundles {
  readonly #directory: string;
  constructor(directory: string) {
    this.#directory = directory;
    mkdirSync(directory, { recursive: true, mode: 0o700 });
  }

  /** @throws `EEXIST` when a process of that id runs */
  create(id: string, content: { readonly cgroupParent: string | undefined }): string {
    const path = join(this.#directory, id);
    mkdirSync(path);
    if (content.cgroupParent) writeFileSync(join(path, "cgroup-parent"), content.cgroupParent);
    return path;
  }

  remove(id: string): void {
    rmSync(join(this.#directory, id), { recursive: true, force: true });
  }

  list(): readonly string[] {
    return readdirSync(this.#directory);
  }

  path(id: string): string {
    return join(this.#directory, id);
  }
}

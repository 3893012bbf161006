import { lstatSync, rmdirSync, unlinkSync } from "node:fs";
import { isSystemError } from "../../../base/sys/mod.ts";
import type { Made, Missing, RootDirectory } from "./root-directory.ts";

interface Stub extends Made {
  /** When the directory had changed last after this was made in it: if that is still so at the end, nobody else has changed it. */
  readonly parentChangedTo: bigint;
}

/**
 * Places to mount something at, made where an image has none. They must not become part of the image: {@link remove} takes them away and sets
 * the times of their directories back, unless the process itself has put something there meanwhile.
 */
export class MountPoints {
  readonly #root: RootDirectory;
  readonly #stubs: Stub[] = [];
  constructor(root: RootDirectory) {
    this.#root = root;
  }

  /** Makes what is missing of each, parents first. What lies below another one is left out: that is inside of what will be mounted there. */
  make(points: readonly Missing[]): void {
    for (const point of points) {
      if (points.some((other) => other !== point && isBelow(point.path, other.path))) continue;
      const all = this.#root.make(point);
      for (const made of point.keepsParents ? all.slice(-1) : all) {
        this.#stubs.push({ ...made, parentChangedTo: this.#root.changedAt(made.parent) });
      }
    }
  }

  /** Undoes {@link make}, innermost first. Call it when nothing is mounted any more. */
  remove(): void {
    for (const stub of this.#stubs.splice(0).reverse()) {
      try {
        this.#remove(stub);
      } catch (error) {
        // The process moved the directory away, or uses the place: then it is the process's own.
        if (!isSystemError(error, "ENOENT", "ENOTDIR", "ENOTEMPTY", "ELOOP")) throw error;
      }
    }
  }

  #remove({ parent, name, kind, parentChangedAt, parentChangedTo }: Stub): void {
    const found = this.#root.changedAt(parent);
    this.#root.inside(parent, (directory) => {
      const path = `${directory}/${name}`;
      if (kind === "directory") return rmdirSync(path);
      const stat = lstatSync(path);
      if (stat.isFile() && stat.size === 0) unlinkSync(path);
    });
    this.#root.setChangedAt(parent, found === parentChangedTo ? parentChangedAt : found);
  }
}

function isBelow(path: string, other: string): boolean {
  return path.startsWith(other.endsWith("/") ? other : `${other}/`);
}

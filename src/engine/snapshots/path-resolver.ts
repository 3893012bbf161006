import { TarError } from "../../tar/mod.ts";
import { joinPath, parentOf } from "./path-order.ts";
import type { TocEntry } from "./toc.ts";

/** As many links as Go's and the kernel's resolvers would follow, or more. */
const linkLimit = 255;

/**
 * Leads the names in an archive to paths that go through directories only: links met on the way are followed inside the archive, as a process
 * would that had the tree as its root. The last component is never followed.
 */
export class PathResolver {
  readonly #get: (path: string) => Pick<TocEntry, "type" | "linkname"> | undefined;
  /** Directories that something lies in, told or not. */
  readonly #implied = new Set<string>();
  #lastParent: { readonly name: string; readonly path: string } | undefined;

  constructor(get: (path: string) => Pick<TocEntry, "type" | "linkname"> | undefined) {
    this.#get = get;
  }

  /**
   * @param what names the culprit in messages
   * @throws {TarError} when the name climbs out of the archive, goes through a file, or in circles
   */
  resolve(name: string, what: string): string {
    const components: string[] = [];
    for (const component of name.split("/")) {
      if (component === "" || component === ".") continue;
      if (component !== "..") components.push(component);
      else if (components.pop() === undefined) throw new TarError(`${what} leads out of the archive`);
    }
    const base = components.pop();
    if (base === undefined) return "";
    const parentName = components.join("/");
    if (this.#lastParent?.name !== parentName) {
      this.#lastParent = { name: parentName, path: this.#directory(components, what) };
    }
    const { path } = this.#lastParent;
    for (let at = path; at !== "" && !this.#implied.has(at); at = parentOf(at)) this.#implied.add(at);
    return joinPath(path, base);
  }

  /** Whether `path` is there only because something lies in it. */
  isImplied(path: string): boolean {
    return this.#implied.has(path);
  }

  /** Must be called after a link was added: it may change where later names lead. */
  forget(): void {
    this.#lastParent = undefined;
  }

  /** `path` and everything below it is gone. */
  removed(path: string): void {
    this.#lastParent = undefined;
    for (const implied of this.#implied) {
      if (implied === path || implied.startsWith(`${path}/`)) this.#implied.delete(implied);
    }
  }

  #directory(components: readonly string[], what: string): string {
    let path = "";
    let links = 0;
    const todo = components.toReversed();
    for (let name = todo.pop(); name !== undefined; name = todo.pop()) {
      if (name === "" || name === ".") continue;
      if (name === "..") {
        path = parentOf(path);
        continue;
      }
      const next = joinPath(path, name);
      const entry = this.#get(next);
      if (!entry || entry.type === "dir") {
        path = next;
      } else if (entry.type === "symlink") {
        if (++links > linkLimit) throw new TarError(`${what} goes through too many links`);
        const target = entry.linkname ?? "";
        if (target.startsWith("/")) path = "";
        todo.push(...target.split("/").toReversed());
      } else {
        throw new TarError(`${what} goes through ${JSON.stringify(next)}, which is a ${entry.type}`);
      }
    }
    return path;
  }
}

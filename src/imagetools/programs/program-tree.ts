import { resolve } from "node:path/posix";
import { type ElfHeader, readElfHeader } from "../../binfmt/mod.ts";
import { parseWhiteout, type TarEntry } from "../../tar/mod.ts";

/** As much of a file is looked at. */
export const startBytes = 4096;

/** What a file that can be executed is. */
export type Program =
  | ({ readonly type: "elf" } & ElfHeader)
  | { readonly type: "script"; readonly interpreter: string }
  /** Neither: an empty file, data. */
  | { readonly type: "other" };

type Node = Program | { readonly type: "link"; readonly to: string };

/** Links in a row that are followed, as the kernel does. */
const mostLinks = 40;

/** What can be executed in an image, and the links that lead there. Layers are added base first; nothing else of them is kept. */
export class ProgramTree {
  readonly #nodes = new Map<string, Node>();
  readonly #files = new Set<string>();

  /** Everything that is an ELF program, by path. */
  *programs(): Generator<readonly [path: string, program: ElfHeader]> {
    for (const [path, node] of this.#nodes) if (node.type === "elf") yield [path, node];
  }

  /** Adds one entry of a layer. @param start the beginning of a file, up to {@link startBytes} */
  add(entry: TarEntry, start: Uint8Array): void {
    const path = absolute(entry.name);
    const directory = path.slice(0, path.lastIndexOf("/"));
    const whiteout = parseWhiteout(path.slice(directory.length + 1));
    if (whiteout) {
      if (whiteout.type === "whiteout") this.#remove(`${directory}/${whiteout.name}`);
      else if (whiteout.type === "opaque") this.#removeBelow(directory);
      return;
    }
    if (entry.type === "dir") return;
    this.#nodes.delete(path);
    this.#files.delete(path);
    if (entry.type === "symlink") {
      this.#nodes.set(path, { type: "link", to: entry.linkname ?? "" });
    } else if (entry.type === "hardlink") {
      const to = absolute(entry.linkname ?? "");
      const same = this.#nodes.get(to);
      if (same) this.#nodes.set(path, same);
      else if (this.#files.has(to)) this.#files.add(path);
    } else if (entry.type === "file") {
      if ((entry.mode & 0o111) === 0) this.#files.add(path);
      else this.#nodes.set(path, programOf(start));
    }
  }

  /** The program at a path, whatever links lead there; `undefined` when there is none that can be executed. */
  at(path: string): { readonly path: string; readonly program: Program } | undefined {
    const found = this.#follow(path);
    const node = this.#nodes.get(found);
    return node && node.type !== "link" ? { path: found, program: node } : undefined;
  }

  /** Whether there is such a file, be it executable or not: loaders of some distributions are not. */
  has(path: string): boolean {
    const found = this.#follow(path);
    return this.#files.has(found) || (this.#nodes.has(found) && this.#nodes.get(found)?.type !== "link");
  }

  #follow(path: string): string {
    let rest = path.split("/").filter(Boolean);
    let at = "";
    for (let links = 0; rest.length > 0; ) {
      const [name = "", ...others] = rest;
      rest = others;
      if (name === "." || name === "..") {
        at = name === ".." ? at.slice(0, Math.max(0, at.lastIndexOf("/"))) : at;
        continue;
      }
      const node = this.#nodes.get(`${at}/${name}`);
      if (node?.type !== "link") {
        at = `${at}/${name}`;
        continue;
      }
      if (++links > mostLinks) return path;
      rest = [...node.to.split("/").filter(Boolean), ...rest];
      if (node.to.startsWith("/")) at = "";
    }
    return at;
  }

  #remove(path: string): void {
    this.#nodes.delete(path);
    this.#files.delete(path);
    this.#removeBelow(path);
  }

  #removeBelow(directory: string): void {
    for (const paths of [this.#nodes, this.#files]) {
      for (const path of paths.keys()) if (path.startsWith(`${directory}/`)) paths.delete(path);
    }
  }
}

function absolute(name: string): string {
  return resolve("/", name);
}

function programOf(start: Uint8Array): Program {
  const elf = readElfHeader(start);
  if (elf) return { type: "elf", ...elf };
  const interpreter = /^#![ \t]*([^\s\0]+)/.exec(Buffer.from(start.subarray(0, 256)).toString("latin1"))?.[1];
  return interpreter === undefined ? { type: "other" } : { type: "script", interpreter };
}

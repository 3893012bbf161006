import { toBinary } from "../base/protobuf/mod.ts";
import { fsutil } from "../api/mod.ts";
import { BuildError } from "../base/errors/mod.ts";
import type { FileStat } from "./file-stat.ts";

/** What a tree has of which only some entries were taken over: each entry as the sender told it (a `Stat`), after its length in four bytes. */
export const metadataFile = ".fsutil-metadata";

/** As much as two million entries of two hundred bytes. */
const maxBytes = 400 * 1024 * 1024;

/** Writes down what a sender tells of all entries, and says which of them are taken over. */
export class MetadataLog {
  readonly #only: (path: string) => boolean;
  readonly #chunks: Uint8Array[] = [];
  #size = 0;
  /** Directories on the way to the last entry that were not taken over yet. */
  #waiting: FileStat[] = [];
  /** The first name taken over of each file, by the name that the sender has for it. */
  readonly #taken = new Map<string, string>();

  constructor(only: (path: string) => boolean) {
    this.#only = only;
  }

  /** The entries that are taken over now: none, or this one after the directories that lead to it. */
  admit(entry: FileStat, wire: fsutil.Stat): readonly FileStat[] {
    if (entry.path === metadataFile) return [];
    const stat = toBinary(fsutil.StatSchema, wire);
    const length = Buffer.alloc(4);
    length.writeUInt32LE(stat.byteLength);
    this.#chunks.push(length, stat);
    this.#size += 4 + stat.byteLength;
    if (this.#size > maxBytes)
      throw new BuildError("resource_exhausted", "too many entries for a transfer of metadata");
    this.#waiting = this.#waiting.filter(({ path }) => entry.path.startsWith(`${path}/`));
    if (this.#only(entry.path)) return [...this.#waiting.splice(0), this.#linked(entry)];
    if (entry.type === "dir") this.#waiting.push(entry);
    return [];
  }

  /** What it is a link to may not have been taken over: then it is the file itself. */
  #linked(entry: FileStat): FileStat {
    if (entry.type !== "file") return entry;
    const { hardlink: file = entry.path, ...alone } = entry;
    const first = this.#taken.get(file);
    if (first === undefined) this.#taken.set(file, entry.path);
    return first === undefined ? alone : { ...alone, hardlink: first };
  }

  readonly bytes = (): Uint8Array => Buffer.concat(this.#chunks, this.#size);
}

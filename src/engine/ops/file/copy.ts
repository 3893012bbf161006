import type { Pace } from "../../../base/async/mod.ts";
import { BuildError } from "../../../base/errors/mod.ts";
import { digestOf } from "../../../oci/mod.ts";
import { baseOf, joinPath, LinkGroups, parentOf, type TocEntry, type Tree } from "../../snapshots/mod.ts";
import { type DirectoryAttributes, type FileTime, makeDirectories, type Owner } from "./directories.ts";
import type { Draft, Origin } from "./draft.ts";
import type { ModeChange } from "./mode.ts";
import { type CopyFilter, type Selected, select } from "./selection.ts";
import { followParent, followPath, pathError, relativePath, statPath } from "./tree-path.ts";

/** How things are copied, whatever they are. */
export interface CopyOptions {
  readonly filter: CopyFilter;
  /** The source path itself may be a link to what is meant. */
  readonly followLinks: boolean;
  /** A directory's children go into the destination, not the directory. */
  readonly contentsOnly: boolean;
  /** What is in the way goes, even where it is of another type. */
  readonly replace: boolean;
  /** `undefined`: as in the source. */
  readonly owner: Owner | undefined;
  /** `undefined`: as in the source. */
  readonly mode: ModeChange | undefined;
  /** Of directories made on the way to the destination. */
  readonly parentMode: number;
  /** `undefined`: as in the source. */
  readonly time: FileTime | undefined;
  readonly now: FileTime;
  /** Where bytes come from that the source's entries do not carry themselves. */
  readonly originOf: (entry: TocEntry) => Origin | undefined;
  /** Trees may have millions of entries. */
  readonly pace: Pace;
}

/**
 * Copies one path of `source` to `dest` of `draft`, as `cp -a` would with BuildKit's rules about what already exists there.
 * @param dest as written: a `/` (or `/.`) at its end makes it a directory
 * @throws {BuildError} when the source is missing, or something in the way may not be replaced
 */
export async function copyPath(
  draft: Draft,
  source: Tree,
  src: string,
  dest: string,
  options: CopyOptions,
): Promise<void> {
  await new Copier(draft, source, options).copy(src, dest);
}

class Copier {
  readonly #draft: Draft;
  readonly #source: Tree;
  readonly #options: CopyOptions;
  readonly #parents: DirectoryAttributes;
  /** Names of one source file become names of one copy. */
  #links: LinkGroups | undefined;

  constructor(draft: Draft, source: Tree, options: CopyOptions) {
    this.#draft = draft;
    this.#source = source;
    this.#options = options;
    this.#parents = {
      mode: options.parentMode,
      owner: options.owner ?? { uid: 0, gid: 0 },
      time: options.time ?? options.now,
    };
  }

  async copy(src: string, dest: string): Promise<void> {
    const draft = this.#draft;
    const lead = /(?:^|\/)\.?$/.test(dest) ? dest : dest.slice(0, dest.lastIndexOf("/") + 1);
    if (lead !== "") makeDirectories(draft, followPath(draft, lead), this.#parents);
    const from = this.#options.followLinks ? followPath(this.#source, src) : followParent(this.#source, src);
    const entry = this.#source.get(from);
    if (!entry) throw pathError("lstat", relativePath(src), "no such file or directory");
    const target = this.#target(entry, src, followPath(draft, dest));
    const { filter, pace } = this.#options;
    const selection: Selected[] = [];
    for (const selected of select(this.#source, from, filter)) {
      if (pace.isDue) await pace.rest();
      selection.push(selected);
    }
    this.#links = new LinkGroups(
      this.#source,
      selection.map(({ entry }) => entry),
    );
    for (const selected of selection) {
      if (pace.isDue) await pace.rest();
      this.#put(selected, target);
    }
  }

  /** Where the copy of `entry` itself goes; what leads there exists afterwards. */
  #target(entry: TocEntry, src: string, dest: string): string {
    const isDirectory = entry.type === "dir";
    const contentsOnly = this.#options.contentsOnly && isDirectory;
    const there = statPath(this.#draft, dest);
    const intoIt = isDirectory ? there !== undefined && !contentsOnly : there?.type === "dir";
    const name = baseOf(relativePath(src));
    const target = intoIt && name !== "" ? joinPath(dest, name) : dest;
    makeDirectories(this.#draft, contentsOnly && !there ? target : parentOf(target), this.#parents);
    return target;
  }

  #put({ entry, relative, onlyParent }: Selected, root: string): void {
    const path = relative === "" ? root : joinPath(root, relative);
    const before = this.#draft.get(path);
    const inTheWay = before && !(before.type === "dir" && entry.type === "dir") ? before : undefined;
    if (inTheWay && this.#options.replace && path !== "") this.#draft.remove(path);
    else if (inTheWay && entry.type === "dir") {
      throw new BuildError("unknown", `cannot copy to non-directory: /${path}`);
    } else if (inTheWay?.type === "dir") {
      throw new BuildError("unknown", `cannot replace to directory /${path} with file`);
    }
    if (entry.type !== "dir") return this.#putFile(entry, path);
    if (path === "") return; // the root's own metadata stays as it is
    if (!before || inTheWay) return this.#draft.put(this.#changed(entry, path));
    // A directory that was there: the copied one itself lends it its time, one that is only on the way its mode, others all they have.
    if (relative === "") this.#draft.put({ ...before, ...this.#timeOf(entry) });
    else this.#draft.put(onlyParent ? { ...before, mode: entry.mode } : this.#changed(entry, path));
  }

  #putFile(entry: TocEntry, path: string): void {
    const isSocket = entry.type === "socket"; // nobody could listen on a copied socket: an empty file takes its name
    const data = new Uint8Array();
    const copied = this.#changed(isSocket ? { ...entry, type: "file", size: 0, digest: digestOf(data) } : entry, path);
    this.#draft.put(isSocket ? { ...copied, content: { kind: "bytes", data } } : copied, {
      origin: this.#options.originOf(entry),
      link: this.#links?.of(entry),
    });
  }

  #changed(entry: TocEntry, path: string): TocEntry {
    const { owner, mode } = this.#options;
    const changed = entry.type !== "symlink" && mode ? mode(entry.mode, entry.type === "dir") : entry.mode;
    return { ...entry, path, ...owner, mode: changed, ...this.#timeOf(entry) };
  }

  #timeOf({ mtimeSec, mtimeNsec }: TocEntry): FileTime {
    return this.#options.time ?? { mtimeSec, mtimeNsec };
  }
}

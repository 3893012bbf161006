import { createHash, type Hash, hash } from "node:crypto";
import { closeSync } from "node:fs";
import type { Digest } from "../../oci/mod.ts";
import { opaqueMarker, parseWhiteout, type TarEntry, TarError, type TarHandler } from "../../tar/mod.ts";
import { baseOf, joinPath } from "./path-order.ts";
import { PathResolver } from "./path-resolver.ts";
import { sortToc } from "./sort-toc.ts";
import type { LayerToc, TocEntry } from "./toc.ts";
import { type TreeWriter, writeFully } from "./tree-writer.ts";
import { fileXattrs } from "./xattrs.ts";

/** Directories that AUFS kept for itself at the root of a layer. */
const aufsPrefix = ".wh..wh.";

type Draft = { -readonly [K in keyof TocEntry]: TocEntry[K] };

/**
 * Makes the table of contents of a layer while its tar passes by (feed it to a `TarParser`), and writes the layer's files with `writer` where
 * one is given.
 *
 * Names are made clean and resolved inside the layer: absolute ones and links cannot lead out of it, names that climb out with `..` are refused.
 * Later members replace earlier ones. What only makes sense with the layers below (missing parents, links to lower files, deletions) is left
 * to `completeLayer`, and so is the metadata of directories.
 */
export class LayerReader implements TarHandler {
  readonly #entries = new Map<string, Draft>();
  readonly #resolver = new PathResolver((path) => this.#entries.get(path));
  readonly #whiteouts = new Set<string>();
  readonly #opaques = new Set<string>();
  readonly #writer: TreeWriter | undefined;
  readonly #plainNames: boolean;
  #file: OpenFile | undefined;

  /** @param options.plainNames an ordinary archive, in which `.wh.` means nothing */
  constructor(options: { writer?: TreeWriter | undefined; plainNames?: boolean }) {
    this.#writer = options.writer;
    this.#plainNames = options.plainNames ?? false;
  }

  entry(tar: TarEntry, offsetBytes: number): void {
    const path = this.#resolver.resolve(tar.name, `name ${JSON.stringify(tar.name)}`);
    if (path === "" && tar.type !== "dir") throw new TarError(`the root of the archive is a ${tar.type}`);
    // What a layer says of the root itself counts nowhere else either: an image whose root is 0700 would keep all users but root out.
    if (path === "" && !this.#plainNames) return;
    if (!this.#plainNames && path.startsWith(aufsPrefix) && path !== opaqueMarker) return;
    const whiteout = this.#plainNames || path === "" ? undefined : parseWhiteout(baseOf(path));
    if (whiteout) return this.#delete(path, whiteout);
    if (tar.type === "char" && !tar.devMajor && !tar.devMinor && !this.#plainNames) {
      // A 0:0 device is how overlayfs spells a deletion: it would act as one, so it is one.
      this.#whiteouts.add(path);
      return;
    }
    const draft = newEntry(path, tar);
    this.#replace(draft);
    switch (tar.type) {
      case "file":
        draft.size = tar.size;
        draft.content = { kind: "range", file: "", offsetBytes };
        this.#file = { draft, fd: this.#writer?.beginFile(path), hash: undefined };
        break;
      case "dir":
        this.#writer?.directory(path);
        break;
      case "symlink":
        this.#writer?.symlink(path, tar.linkname ?? "", draft);
        break;
      case "hardlink":
        this.#hardlink(draft, tar.linkname ?? "");
        break;
      default:
        this.#writer?.node(path, tar.type, draft);
    }
    this.#entries.set(draft.path, draft);
    if (draft.type === "symlink") this.#resolver.forget();
  }

  data(chunk: Uint8Array): void {
    const file = this.#file;
    if (!file) return;
    if (file.fd !== undefined) writeFully(file.fd, chunk);
    if (!file.hash && chunk.length === file.draft.size) file.draft.digest = `sha256:${hash("sha256", chunk)}` as Digest;
    else (file.hash ??= createHash("sha256")).update(chunk);
  }

  end(): void {
    const file = this.#file;
    if (!file) return;
    this.#file = undefined;
    const { draft } = file;
    draft.digest ??= `sha256:${(file.hash ?? createHash("sha256")).digest("hex")}` as Digest;
    if (file.fd !== undefined) this.#writer?.endFile(file.fd, draft.path, draft);
  }

  /** Gives up on a file that was being written. Harmless at any time. */
  close(): void {
    if (this.#file?.fd !== undefined) closeSync(this.#file.fd);
    this.#file = undefined;
  }

  /** The table of the archive alone, sorted. */
  toc(): LayerToc {
    return sortToc({
      entries: [...this.#entries.values()],
      whiteouts: [...this.#whiteouts],
      opaques: [...this.#opaques],
    });
  }

  #delete(path: string, whiteout: NonNullable<ReturnType<typeof parseWhiteout>>): void {
    const directory = path.slice(0, Math.max(0, path.lastIndexOf("/")));
    if (whiteout.type === "opaque") this.#opaques.add(directory);
    if (whiteout.type !== "whiteout") return;
    if (whiteout.name === "" || whiteout.name === "." || whiteout.name === "..") {
      throw new TarError(`invalid whiteout name: ${JSON.stringify(path)}`);
    }
    this.#whiteouts.add(joinPath(directory, whiteout.name));
  }

  /** Makes room for `draft`, as every unpacker does: only a directory may be told twice. */
  #replace(draft: Draft): void {
    const before = this.#entries.get(draft.path);
    const isImplied = !before && this.#resolver.isImplied(draft.path);
    if (!before && !isImplied) return;
    if (draft.type === "dir" && (isImplied || before?.type === "dir")) return;
    if (before?.type === "dir" || isImplied) {
      for (const path of this.#entries.keys()) if (path.startsWith(`${draft.path}/`)) this.#drop(path);
    }
    this.#drop(draft.path);
    this.#resolver.removed(draft.path);
    this.#writer?.remove(draft.path);
  }

  #drop(path: string): void {
    const gone = this.#entries.get(path);
    this.#entries.delete(path);
    // A file that goes may have other names: the first of them takes its place.
    if (gone?.type === "file" && !gone.hardlink) this.#promoteLinks(gone);
  }

  #promoteLinks(gone: Draft): void {
    let first: string | undefined;
    for (const entry of this.#entries.values()) {
      if (entry.hardlink !== gone.path) continue;
      if (first === undefined) {
        first = entry.path;
        delete entry.hardlink;
      } else entry.hardlink = first;
    }
  }

  #hardlink(draft: Draft, linkname: string): void {
    const target = this.#resolver.resolve(linkname, `link name ${JSON.stringify(linkname)}`);
    if (target === draft.path) throw new TarError(`${JSON.stringify(draft.path)} is a link to itself`);
    const existing = this.#entries.get(target);
    if (!existing) {
      draft.hardlink = target; // of a lower layer: completeLayer looks there
      return;
    }
    if (existing.type === "dir") throw new TarError(`${JSON.stringify(draft.path)} is a hard link to a directory`);
    if (existing.hardlink !== undefined && !this.#entries.has(existing.hardlink)) {
      draft.hardlink = existing.hardlink;
      return;
    }
    const { path } = draft;
    for (const key of Object.keys(draft)) delete (draft as Partial<Record<string, unknown>>)[key];
    Object.assign(draft, existing, { path });
    if (existing.type === "file") draft.hardlink = existing.hardlink ?? existing.path;
    this.#writer?.link(path, target);
  }
}

interface OpenFile {
  readonly draft: Draft;
  readonly fd: number | undefined;
  hash: Hash | undefined;
}

function newEntry(path: string, tar: TarEntry): Draft {
  const draft: Draft = {
    path,
    type: tar.type === "hardlink" ? "file" : tar.type,
    mode: tar.type === "symlink" ? 0o777 : tar.mode,
    uid: tar.uid,
    gid: tar.gid,
    size: 0,
    mtimeSec: tar.mtimeSec,
    mtimeNsec: tar.mtimeNsec,
  };
  if (tar.type === "symlink") {
    if (!tar.linkname) throw new TarError(`symlink ${JSON.stringify(path)} has no target`);
    draft.linkname = tar.linkname;
  }
  if (tar.type === "char" || tar.type === "block") {
    draft.devMajor = tar.devMajor ?? 0;
    draft.devMinor = tar.devMinor ?? 0;
  }
  const xattrs = fileXattrs(tar.xattrs);
  if (xattrs) draft.xattrs = xattrs;
  return draft;
}

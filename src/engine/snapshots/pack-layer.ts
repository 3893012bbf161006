import { createHash, type Hash, hash } from "node:crypto";
import { BuildError } from "../../base/errors/mod.ts";
import type { Digest } from "../../oci/mod.ts";
import { encodeEntry, endOfArchive, opaqueMarker, paddingOf, type TarEntry, whiteoutPrefix } from "../../tar/mod.ts";
import { ContentReader } from "./content-reader.ts";
import { baseOf, comparePaths, joinPath, parentOf } from "./path-order.ts";
import type { LayerToc, TocEntry } from "./toc.ts";

/** Told of each regular file while it is packed; links to it are not told. */
export interface PackObserver {
  /**
   * Without this, files are not hashed.
   * @param offsetBytes where its content begins in the tar
   */
  file?(
    entry: TocEntry,
    packed: { readonly offsetBytes: number; readonly size: number; readonly digest: Digest },
  ): void;
  /** Called between pieces; throws to stop. */
  check(): void;
}

/** A file got shorter between its header and its content: the whole layer must be packed again. */
export class FileShrankError extends BuildError {
  constructor(path: string) {
    super("aborted", `"${path}" became shorter while it was read`);
  }
}

/**
 * The tar of a layer as full pieces of a size of the caller's choice. Every regular file needs its content. Synchronous, for worker threads.
 *
 * The same table always gives the same bytes: entries in the order of the table, deletions where the deleted name would stand, times in whole
 * seconds (as BuildKit's layers have them; the table keeps the nanoseconds), no names of users, sockets left out.
 * @param buffer gives a buffer to fill; it is yielded when it is full (the last one as a shorter view)
 * @throws {FileShrankError}
 */
export function* packLayer(toc: LayerToc, buffer: () => Buffer, observer: PackObserver): Generator<Buffer> {
  using content = new ContentReader();
  let target = buffer();
  let fill = 0;
  let flushed = 0;

  function* write(bytes: Uint8Array): Generator<Buffer> {
    for (let at = 0; at < bytes.length; ) {
      const piece = bytes.subarray(at, at + target.length - fill);
      target.set(piece, fill);
      fill += piece.length;
      at += piece.length;
      if (fill === target.length) yield* flush();
    }
  }
  function* flush(): Generator<Buffer> {
    const full = target.subarray(0, fill);
    flushed += fill;
    fill = 0;
    yield full;
    target = buffer();
  }

  for (const item of inOrder(toc)) {
    observer.check();
    if (item.kind === "marker") {
      yield* write(encodeEntry(item.header));
      continue;
    }
    const { entry } = item;
    if (entry.type === "socket") continue;
    if (entry.type !== "file" || entry.hardlink !== undefined) {
      yield* write(encodeEntry(headerOf(entry, 0)));
      continue;
    }
    if (!entry.content) throw new Error(`Internal error: "${entry.path}" has no content to be packed`);
    const size = content.begin(entry.content, entry.size);
    yield* write(encodeEntry(headerOf(entry, size)));
    const offsetBytes = flushed + fill;
    let digest: string | undefined;
    let running: Hash | undefined;
    for (let left = size; left > 0; ) {
      const got = content.read(target, fill, Math.min(left, target.length - fill));
      if (got === 0) throw new FileShrankError(entry.path);
      const piece = target.subarray(fill, fill + got);
      if (observer.file && got === size) digest = hash("sha256", piece);
      else if (observer.file) (running ??= createHash("sha256")).update(piece);
      fill += got;
      left -= got;
      if (fill === target.length) {
        yield* flush();
        observer.check();
      }
    }
    if (observer.file) {
      digest ??= (running ?? createHash("sha256")).digest("hex");
      observer.file(entry, { offsetBytes, size, digest: `sha256:${digest}` as Digest });
    }
    if (paddingOf(size) > 0) yield* write(endOfArchive.subarray(0, paddingOf(size)));
  }
  yield* write(endOfArchive);
  if (fill > 0) yield* flush();
}

type Item =
  | { readonly kind: "entry"; readonly path: string; readonly entry: TocEntry }
  | { readonly kind: "marker"; readonly path: string; readonly header: TarEntry };

function inOrder(toc: LayerToc): readonly Item[] {
  const items: Item[] = toc.entries.map((entry) => ({ kind: "entry", path: entry.path, entry }));
  if (toc.whiteouts.length === 0 && toc.opaques.length === 0) return items;
  for (const path of toc.whiteouts) {
    items.push({ kind: "marker", path, header: marker(joinPath(parentOf(path), whiteoutPrefix + baseOf(path))) });
  }
  for (const path of toc.opaques) {
    // Behind the directory itself, before everything in it.
    items.push({ kind: "marker", path: `${path}/`, header: marker(joinPath(path, opaqueMarker)) });
  }
  return items.sort((a, b) => comparePaths(a.path, b.path));
}

function marker(name: string): TarEntry {
  return { name, type: "file", mode: 0, uid: 0, gid: 0, size: 0, mtimeSec: 0, mtimeNsec: 0 };
}

function headerOf(entry: TocEntry, size: number): TarEntry {
  const type = entry.hardlink !== undefined ? "hardlink" : (entry.type as TarEntry["type"]);
  const linkname = entry.hardlink ?? entry.linkname;
  return {
    name: entry.path === "" ? "./" : entry.path,
    type,
    mode: entry.mode,
    uid: entry.uid,
    gid: entry.gid,
    size,
    mtimeSec: entry.mtimeSec,
    mtimeNsec: 0,
    ...(linkname === undefined ? undefined : { linkname }),
    ...(entry.devMajor === undefined ? undefined : { devMajor: entry.devMajor, devMinor: entry.devMinor ?? 0 }),
    ...(entry.xattrs && entry.hardlink === undefined ? { xattrs: entry.xattrs } : undefined),
  };
}

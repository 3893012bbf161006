import { type BigIntStats, lstatSync, readlinkSync } from "node:fs";
import { getxattrs } from "../../base/sys/mod.ts";
import { pathForSystem, pathFromBytes } from "../../tar/mod.ts";
import { FileIndex } from "./file-index.ts";
import { hashFile } from "./hash-file.ts";
import { namesIn } from "./names-in.ts";
import { comparePaths, joinPath } from "./path-order.ts";
import type { EntryType, LayerToc, TocEntry } from "./toc.ts";
import { fileXattrs, opaqueXattr } from "./xattrs.ts";

/** How to read a directory. */
export interface ScanOptions {
  /** `upper`: what a process wrote through an overlay, with overlayfs' marks of deletion. `tree`: nothing is a mark. */
  readonly kind: "tree" | "upper";
  /** Digests of the walk before this one. */
  readonly previous?: FileIndex | undefined;
  /** Which files to hash; all when left out. Files with several names are told from what later takes one of these names by their digests. */
  readonly hash?: "all" | "linked";
  /** Filled with digests for the walk after this one. */
  readonly index?: FileIndex | undefined;
  /** Called between entries; throws to stop. */
  readonly check: () => void;
}

type Draft = { -readonly [K in keyof TocEntry]: TocEntry[K] };

/**
 * The table of contents of a directory on disk: walks it in order, hashes what `previous` does not vouch for (or less, see {@link ScanOptions.hash}). Synchronous, for worker threads.
 * The root itself is an entry (`""`). Sockets are listed; no archive holds them.
 */
export function scanDirectory(root: string, options: ScanOptions): LayerToc {
  const scan: Scan = { root, options, entries: [], whiteouts: [], opaques: [], links: new Map() };
  scanEntry(scan, "", lstatSync(pathForSystem(root), { bigint: true }));
  return { entries: scan.entries, whiteouts: scan.whiteouts, opaques: scan.opaques };
}

interface Scan {
  readonly root: string;
  readonly options: ScanOptions;
  readonly entries: TocEntry[];
  readonly whiteouts: string[];
  readonly opaques: string[];
  /** Files with several names, by inode: the first name met. */
  readonly links: Map<bigint, TocEntry>;
}

function scanEntry(scan: Scan, path: string, stats: BigIntStats): void {
  scan.options.check();
  const onDisk = path === "" ? scan.root : `${scan.root}/${path}`;
  const target = pathForSystem(onDisk);
  if (scan.options.kind === "upper" && stats.isCharacterDevice() && stats.rdev === 0n) {
    scan.whiteouts.push(path);
    return;
  }
  const type = typeOf(stats);
  const draft: Draft = {
    path,
    type,
    mode: type === "symlink" ? 0o777 : Number(stats.mode & 0o7777n),
    uid: Number(stats.uid),
    gid: Number(stats.gid),
    size: 0,
    ...timeOf(stats.mtimeNs),
  };
  const xattrs = getxattrs(target);
  const kept = fileXattrs(xattrs);
  if (kept) draft.xattrs = kept;
  if (type === "symlink") draft.linkname = pathFromBytes(readlinkSync(target, { encoding: "buffer" }));
  if (type === "char" || type === "block") {
    draft.devMajor = Number(((stats.rdev >> 8n) & 0xfffn) | ((stats.rdev >> 32n) & ~0xfffn));
    draft.devMinor = Number((stats.rdev & 0xffn) | ((stats.rdev >> 12n) & 0xffffff00n));
  }
  if (type === "file") scanFile(scan, draft, onDisk, stats);
  scan.entries.push(draft);
  if (type !== "dir") return;
  if (scan.options.kind === "upper" && xattrs?.[opaqueXattr]?.[0] === 0x79) scan.opaques.push(path);
  for (const name of namesIn(target).sort(comparePaths)) {
    const child = joinPath(path, name);
    const childStats = lstatSync(pathForSystem(`${scan.root}/${child}`), { bigint: true, throwIfNoEntry: false });
    if (childStats) scanEntry(scan, child, childStats);
  }
}

function scanFile(scan: Scan, draft: Draft, onDisk: string, stats: BigIntStats): void {
  const first = stats.nlink > 1n ? scan.links.get(stats.ino) : undefined;
  if (first) {
    draft.hardlink = first.path;
    draft.size = first.size;
    if (first.digest) draft.digest = first.digest;
    if (first.content) draft.content = first.content;
    return;
  }
  const { previous, index, check, hash = "all" } = scan.options;
  const known = previous?.lookup(draft.path, stats);
  if (known) {
    draft.digest = known.digest;
    draft.size = Number(stats.size);
    index?.record(draft.path, stats, known);
  } else if (hash === "linked" && stats.nlink === 1n) {
    draft.size = Number(stats.size);
  } else {
    const hashed = hashFile(onDisk, check);
    draft.digest = hashed.digest;
    draft.size = hashed.size;
    Object.assign(draft, timeOf(hashed.mtimeNs));
    index?.record(
      draft.path,
      { ...hashed, size: BigInt(hashed.size) },
      { digest: hashed.digest, plain: !draft.xattrs },
    );
  }
  draft.content = { kind: "range", file: onDisk, offsetBytes: 0 };
  if (stats.nlink > 1n) scan.links.set(stats.ino, draft);
}

function timeOf(ns: bigint): Pick<TocEntry, "mtimeSec" | "mtimeNsec"> {
  const nsec = ((ns % 1_000_000_000n) + 1_000_000_000n) % 1_000_000_000n;
  return { mtimeSec: Number((ns - nsec) / 1_000_000_000n), mtimeNsec: Number(nsec) };
}

function typeOf(stats: BigIntStats): EntryType {
  if (stats.isFile()) return "file";
  if (stats.isDirectory()) return "dir";
  if (stats.isSymbolicLink()) return "symlink";
  if (stats.isCharacterDevice()) return "char";
  if (stats.isBlockDevice()) return "block";
  if (stats.isFIFO()) return "fifo";
  return "socket";
}

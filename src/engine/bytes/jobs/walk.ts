import { createHash } from "node:crypto";
import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { threadId } from "node:worker_threads";
import { getxattrs } from "../../../base/sys/mod.ts";
import { type FileStat, type WalkedFile, walkTree } from "../../../filesync/mod.ts";
import { type Digest, digestOf } from "../../../oci/mod.ts";
import { encodeToc, FileIndex, fileXattrs, hashFile, isSettled, type TocEntry } from "../../snapshots/mod.ts";
import type { JobContext, Jobs } from "../jobs.ts";

const emptyDigest = digestOf("");

/** @see Jobs.walk */
export function walk(input: Jobs["walk"]["input"], context: JobContext): Jobs["walk"]["output"] {
  const { root, filter, known } = input;
  const index = FileIndex.begin();
  const files: WalkedFile[] = [];
  const fingerprint = new Fingerprint();
  for (const file of walkTree(root, { ...filter, xattrs: false })) {
    context.check();
    files.push(file);
    fingerprint.add(file);
  }
  const print = fingerprint.finish();
  if (known?.fingerprint === print && files.every((file) => isSettled(file, known.takenAtNs)))
    return { unchanged: true };
  const previous = existsSync(input.indexFile) ? FileIndex.decode(readFileSync(input.indexFile)) : undefined;
  const { entries, hashedBytes } = describe(files, { root, index, previous }, context);
  const fresh = `${input.indexFile}.${process.pid}.${threadId}`;
  writeFileSync(fresh, index.encode(), { mode: 0o600 });
  renameSync(fresh, input.indexFile);
  return {
    unchanged: false,
    toc: encodeToc({ entries, whiteouts: [], opaques: [] }),
    hashedBytes,
    stamp: { fingerprint: print, takenAtNs: index.takenAtNs },
  };
}

/** The table of what was walked; reads the files that `previous` does not vouch for. */
function describe(
  files: readonly WalkedFile[],
  known: { readonly root: string; readonly index: FileIndex; readonly previous: FileIndex | undefined },
  { check, progress }: JobContext,
): { entries: readonly TocEntry[]; hashedBytes: number } {
  const { root, index, previous } = known;
  const firstNames = new Map<string, { digest: Digest; size: number }>();
  let hashedBytes = 0;
  const entries = files.map((file): TocEntry => {
    check();
    const onDisk = `${root}/${file.path}`;
    if (file.type === "socket") {
      return { ...entryOf(file, undefined), digest: emptyDigest, content: { kind: "bytes", data: new Uint8Array() } };
    }
    if (file.type !== "file") return entryOf(file, readXattrs(onDisk));
    const content = { kind: "range", file: `${root}/${file.hardlink ?? file.path}`, offsetBytes: 0 } as const;
    const first = file.hardlink === undefined ? undefined : firstNames.get(file.hardlink);
    if (first) return { ...entryOf(file, readXattrs(onDisk)), ...first, content };
    const stamp = { size: BigInt(file.size), ino: file.ino, mtimeNs: file.mtimeNs, ctimeNs: file.ctimeNs };
    const indexed = previous?.lookup(file.path, stamp);
    const xattrs = indexed?.plain ? undefined : readXattrs(onDisk);
    const plain = xattrs === undefined;
    if (indexed) {
      index.record(file.path, stamp, { digest: indexed.digest, plain });
      firstNames.set(file.path, { digest: indexed.digest, size: file.size });
      return { ...entryOf(file, xattrs), size: file.size, digest: indexed.digest, content };
    }
    const { digest, size, ...fresh } = hashFile(onDisk, check);
    hashedBytes += size;
    progress(hashedBytes);
    index.record(file.path, { ...fresh, size: BigInt(size) }, { digest, plain });
    firstNames.set(file.path, { digest, size });
    return { ...entryOf(file, xattrs), size, digest, content };
  });
  return { entries, hashedBytes };
}

/** Attributes that cannot be read are left out, as fsutil does: a tree of another user can still be built from. */
function readXattrs(path: string): Readonly<Record<string, Uint8Array>> | undefined {
  try {
    return fileXattrs(getxattrs(path));
  } catch {
    return undefined;
  }
}

/** As clients send their files: all of them root's. */
function entryOf(file: FileStat, xattrs: Readonly<Record<string, Uint8Array>> | undefined): TocEntry {
  const { path, type, mode, mtimeSec, mtimeNsec, linkname, hardlink, devMajor, devMinor } = file;
  return {
    path,
    // A socket has no content that could be copied; fsutil sends it as an empty file.
    type: type === "socket" ? "file" : type,
    mode,
    uid: 0,
    gid: 0,
    size: 0,
    mtimeSec,
    mtimeNsec,
    ...(linkname === undefined ? {} : { linkname }),
    ...(hardlink === undefined ? {} : { hardlink }),
    ...(devMajor === undefined ? {} : { devMajor }),
    ...(devMinor === undefined ? {} : { devMinor }),
    ...(xattrs ? { xattrs } : {}),
  };
}

/**
 * Digest of a whole walk without reading a file: paths with inode and both times. Whatever else can change about an entry (mode, owner, link
 * target, attributes, bytes) changes its ctime or its inode.
 */
class Fingerprint {
  readonly #hash = createHash("sha256");
  #text = "";
  add({ path, type, size, ino, mtimeNs, ctimeNs }: WalkedFile): void {
    this.#text += `${path}\0${type}\0${size}\0${ino}\0${mtimeNs}\0${ctimeNs}\n`;
    if (this.#text.length < 65_536) return;
    this.#hash.update(this.#text);
    this.#text = "";
  }
  finish(): string {
    return this.#hash.update(this.#text).digest("hex");
  }
}

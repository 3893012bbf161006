import { type Digest, digestOf } from "../../../oci/mod.ts";
import { type FileStat, walkTree } from "../../../filesync/mod.ts";
import { encodeToc, FileIndex, fileXattrs, hashFile, type TocEntry } from "../../snapshots/mod.ts";
import type { JobContext, Jobs } from "../jobs.ts";

const emptyDigest = digestOf("");

/** @see Jobs.walk */
export function walk(input: Jobs["walk"]["input"], { check, progress }: JobContext): Jobs["walk"]["output"] {
  const { root, filter } = input;
  const index = FileIndex.begin();
  const previous = input.previousIndex && FileIndex.decode(input.previousIndex);
  const entries: TocEntry[] = [];
  const hashed = new Map<string, { digest: Digest; size: number }>();
  let bytes = 0;
  for (const file of walkTree(root, filter)) {
    check();
    const { ino, mtimeNs, ctimeNs } = file;
    const described = entryOf(file);
    if (file.type === "socket") {
      entries.push({ ...described, digest: emptyDigest, content: { kind: "bytes", data: new Uint8Array() } });
      continue;
    }
    if (file.type !== "file") {
      entries.push(described);
      continue;
    }
    const stamp = { size: BigInt(file.size), ino, mtimeNs, ctimeNs };
    const first = file.hardlink === undefined ? undefined : hashed.get(file.hardlink);
    const known = first?.digest ?? previous?.lookup(file.path, stamp);
    let digest = known;
    let size = first?.size ?? file.size;
    if (digest === undefined) {
      const fresh = hashFile(`${root}/${file.path}`, check);
      ({ digest, size } = fresh);
      bytes += size;
      progress(bytes);
      index.record(file.path, fresh, digest);
    } else if (!first) {
      index.record(file.path, stamp, digest);
    }
    hashed.set(file.path, { digest, size });
    const content = { kind: "range", file: `${root}/${file.hardlink ?? file.path}`, offsetBytes: 0 } as const;
    entries.push({ ...described, size, digest, content });
  }
  return { toc: encodeToc({ entries, whiteouts: [], opaques: [] }), index: index.encode(), hashedBytes: bytes };
}

/** As clients send their files: all of them root's. */
function entryOf(file: FileStat): TocEntry {
  const { path, type, mode, mtimeSec, mtimeNsec, linkname, hardlink, devMajor, devMinor } = file;
  const xattrs = fileXattrs(file.xattrs);
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

import type { WalkedFile } from "./walk.ts";

/** What is remembered of one regular file, so that its bytes need not be read to know their digest. */
export interface IndexedFile {
  readonly size: number;
  readonly ino: bigint;
  readonly mtimeNs: bigint;
  readonly ctimeNs: bigint;
  /** `sha256:<hex>` of the bytes. */
  readonly digest: string;
}

/**
 * How much older than the walk a file must be for its times to be believed. Clocks of file systems tick coarsely (2 s on FAT, some ms elsewhere): a
 * file that was written again within the same tick looks unchanged.
 */
const racyNs = 2_000_000_000n;

/** Which files of a walk are known from an earlier one. */
export interface IndexComparison {
  /** Digests of the files that have not changed, by path. */
  readonly known: ReadonlyMap<string, string>;
  /** Regular files whose bytes must be read, in the walk's order; hardlinks are left out, they share the digest of what they name. */
  readonly changed: readonly WalkedFile[];
}

/** Compares a walk with what an earlier one left behind. A file is unchanged when size, inode and both times are. */
export function compareWithIndex(
  files: Iterable<WalkedFile>,
  index: ReadonlyMap<string, IndexedFile>,
): IndexComparison {
  const known = new Map<string, string>();
  const changed: WalkedFile[] = [];
  for (const file of files) {
    if (file.type !== "file" || file.hardlink !== undefined) continue;
    const last = index.get(file.path);
    if (
      last &&
      last.size === file.size &&
      last.ino === file.ino &&
      last.mtimeNs === file.mtimeNs &&
      last.ctimeNs === file.ctimeNs
    ) {
      known.set(file.path, last.digest);
    } else {
      changed.push(file);
    }
  }
  return { known, changed };
}

/**
 * What to remember of a walk: the files with their digests, except those as young as the walk itself (git calls them racy); these are read again
 * the next time.
 * @param walkedAtNs the wall clock when the walk began, see {@link wallClockNs}
 */
export function createIndex(
  files: Iterable<WalkedFile>,
  digests: ReadonlyMap<string, string>,
  walkedAtNs: bigint,
): Map<string, IndexedFile> {
  const index = new Map<string, IndexedFile>();
  for (const { path, type, hardlink, size, ino, mtimeNs, ctimeNs } of files) {
    const digest = digests.get(path);
    if (type !== "file" || hardlink !== undefined || digest === undefined) continue;
    const youngest = mtimeNs > ctimeNs ? mtimeNs : ctimeNs;
    if (youngest + racyNs >= walkedAtNs) continue;
    index.set(path, { size, ino, mtimeNs, ctimeNs, digest });
  }
  return index;
}

/** The wall clock in nanoseconds since the epoch, as exact as Node tells it. */
export function wallClockNs(): bigint {
  return BigInt(Date.now()) * 1_000_000n;
}

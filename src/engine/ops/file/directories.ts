import { parentOf, type TocEntry } from "../../snapshots/mod.ts";
import type { Draft } from "./draft.ts";
import { pathError } from "./tree-path.ts";

/** Who owns something. */
export interface Owner {
  readonly uid: number;
  readonly gid: number;
}

/** A moment as file systems keep it. */
export interface FileTime {
  readonly mtimeSec: number;
  readonly mtimeNsec: number;
}

/** What new directories get. */
export interface DirectoryAttributes {
  /** Permission bits; others are dropped. */
  readonly mode: number;
  readonly owner: Owner;
  readonly time: FileTime;
}

/** A directory entry of these attributes. */
export function directoryEntry(path: string, { mode, owner, time }: DirectoryAttributes): TocEntry {
  return { path, type: "dir", mode: mode & 0o777, uid: owner.uid, gid: owner.gid, size: 0, ...time };
}

/**
 * Makes the directory at `path` (links already followed) and those above it that are missing.
 * @throws {BuildError} `mkdir /…: not a directory`
 */
export function makeDirectories(draft: Draft, path: string, attributes: DirectoryAttributes): void {
  const missing: string[] = [];
  for (let at = path; at !== ""; at = parentOf(at)) {
    const entry = draft.get(at);
    if (entry?.type === "dir") break;
    if (entry) throw pathError("mkdir", at, "not a directory");
    missing.push(at);
  }
  for (const at of missing.reverse()) draft.put(directoryEntry(at, attributes));
}

/**
 * Checks that something can be made at `path`.
 * @throws {BuildError} in the words of `operation` when its directory is missing or none
 */
export function checkParent(draft: Draft, path: string, operation: string): void {
  const parent = parentOf(path);
  if (parent === "") return;
  const entry = draft.get(parent);
  if (!entry) throw pathError(operation, path, "no such file or directory");
  if (entry.type !== "dir") throw pathError(operation, path, "not a directory");
}

/** @param nanoseconds since the epoch; negative: not given */
export function fileTime(nanoseconds: bigint, now: Date): FileTime {
  if (nanoseconds === -1n) {
    const milliseconds = now.getTime();
    return {
      mtimeSec: Math.floor(milliseconds / 1000),
      mtimeNsec: (((milliseconds % 1000) + 1000) % 1000) * 1_000_000,
    };
  }
  const second = 1_000_000_000n;
  const rest = ((nanoseconds % second) + second) % second;
  return { mtimeSec: Number((nanoseconds - rest) / second), mtimeNsec: Number(rest) };
}

import type { pb } from "../../../api/mod.ts";
import { BuildError } from "../../../base/errors/mod.ts";
import { digestOf } from "../../../oci/mod.ts";
import { baseOf, joinPath, parentOf } from "../../snapshots/mod.ts";
import { checkParent, directoryEntry, fileTime, makeDirectories, type Owner } from "./directories.ts";
import type { Draft } from "./draft.ts";
import { followPath, pathError, relativePath, statPath } from "./tree-path.ts";
import { resolveWildcards } from "./wildcards.ts";

const root: Owner = { uid: 0, gid: 0 };

/** What an action gets besides its own fields. */
export interface ActionOptions {
  /** As the action's `owner` was looked up. */
  readonly owner: Owner | undefined;
  readonly now: Date;
}

/** Makes a directory; one that is there stays as it is. */
export function mkdir(draft: Draft, action: pb.FileActionMkDir, options: ActionOptions): void {
  const path = followPath(draft, action.path);
  const { owner = root, now } = options;
  const attributes = { mode: action.mode, owner, time: fileTime(action.timestamp, now) };
  if (action.makeParents) return makeDirectories(draft, path, attributes);
  if (draft.get(path)) return;
  checkParent(draft, path, "mkdir");
  draft.put(directoryEntry(path, attributes));
}

/** Writes a small file; one that is there keeps its mode, and its owner unless another is asked for. */
export function mkfile(draft: Draft, action: pb.FileActionMkFile, { owner, now }: ActionOptions): void {
  const path = followPath(draft, action.path);
  checkParent(draft, path, "open");
  const before = draft.get(path);
  if (before?.type === "dir") throw pathError("open", path, "is a directory");
  const kept = before?.type === "file" ? before : undefined;
  draft.put({
    path,
    type: "file",
    mode: kept ? (owner ? withoutIds(kept.mode) : kept.mode) : action.mode & 0o777,
    uid: (owner ?? kept ?? root).uid,
    gid: (owner ?? kept ?? root).gid,
    size: action.data.byteLength,
    digest: digestOf(action.data),
    content: { kind: "bytes", data: action.data },
    ...fileTime(action.timestamp, now),
  });
}

/** Whoever gives a program to another owner takes from it the right to act as its owner, as the system does. */
function withoutIds(mode: number): number {
  return mode & ~0o4000 & ~(mode & 0o010 ? 0o2000 : 0);
}

/** Makes a symlink; its target is kept as it is written. */
export function symlink(draft: Draft, action: pb.FileActionSymlink, { owner = root, now }: ActionOptions): void {
  const path = followPath(draft, action.newpath);
  if (draft.get(path)) throw new BuildError("already_exists", `symlink ${action.oldpath} /${path}: file exists`);
  checkParent(draft, path, `symlink ${action.oldpath}`);
  const time = fileTime(action.timestamp, now);
  draft.put({ path, type: "symlink", mode: 0o777, ...owner, size: 0, linkname: action.oldpath, ...time });
}

/** Removes a path, or all that a pattern matches, with what is below; a link itself, not where it leads. */
export function rm(draft: Draft, action: pb.FileActionRm): void {
  const paths = action.allowWildcard ? resolveWildcards(draft, action.path, { followLinks: false }) : [action.path];
  for (const path of paths) removePath(draft, path, action.allowNotFound);
}

function removePath(draft: Draft, given: string, allowNotFound: boolean): void {
  const relative = relativePath(given);
  if (relative === "") throw new BuildError("invalid_argument", "rmPath: invalid empty path");
  const parent = followPath(draft, parentOf(relative));
  const path = joinPath(parent, baseOf(relative));
  const above = draft.get(parent);
  if (above && above.type !== "dir") throw pathError(allowNotFound ? "unlinkat" : "stat", path, "not a directory");
  if (!allowNotFound && !statPath(draft, path)) throw pathError("stat", path, "no such file or directory");
  draft.remove(path);
}

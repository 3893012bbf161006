import { randomUUID } from "node:crypto";
import { mkdir as makeDirectory, rm as removeTree } from "node:fs/promises";
import { join } from "node:path";
import type { pb } from "../../../api/mod.ts";
import { Pace } from "../../../base/async/mod.ts";
import { BuildError } from "../../../base/errors/mod.ts";
import { parentOf } from "../../snapshots/mod.ts";
import type { OpDeps } from "../deps.ts";
import type { OpEnvironment } from "../environment.ts";
import { readArchive } from "./archive.ts";
import { copyPath } from "./copy.ts";
import { type DirectoryAttributes, fileTime, makeDirectories, type Owner } from "./directories.ts";
import type { Draft } from "./draft.ts";
import { fixedMode, parseModeChange } from "./mode.ts";
import { CopyFilter } from "./selection.ts";
import { mkdir, mkfile, rm, symlink } from "./simple-actions.ts";
import { followPath, pathError, relativePath } from "./tree-path.ts";
import { unpackInto } from "./unpack.ts";
import { locateIn, originIn, type Value } from "./values.ts";
import { resolveWildcards } from "./wildcards.ts";

/** What an action works with, looked up already. */
export interface ActionContext {
  readonly draft: Draft;
  /** What a copy reads. */
  readonly source: Value;
  readonly owner: Owner | undefined;
  readonly now: Date;
  readonly signal: AbortSignal;
  readonly deps: Pick<OpDeps<OpEnvironment>, "bytes" | "runRoot">;
  /** Takes over what must be kept until the layer is written. */
  readonly cleanup: AsyncDisposableStack;
}

/** Does one action of a file op to the context's draft. */
export async function doAction({ action }: pb.FileAction, context: ActionContext): Promise<void> {
  const { draft } = context;
  switch (action.case) {
    case "mkdir":
      return mkdir(draft, action.value, context);
    case "mkfile":
      return mkfile(draft, action.value, context);
    case "symlink":
      return symlink(draft, action.value, context);
    case "rm":
      return rm(draft, action.value);
    case "copy":
      return await copy(action.value, context);
    default:
      throw new BuildError("invalid_argument", "invalid file op: unknown action");
  }
}

async function copy(action: pb.FileActionCopy, context: ActionContext): Promise<void> {
  const { draft, source, owner, now } = context;
  if (!action.createDestPath) {
    const parent = parentOf(followPath(draft, action.dest));
    if (!draft.get(parent)) {
      const cause = pathError("lstat", parent, "no such file or directory");
      throw new BuildError("not_found", `failed to stat ${action.dest}: ${cause.message}`, { cause });
    }
  }
  const matches = action.allowWildcard
    ? resolveWildcards(source.tree, action.src, { followLinks: action.followSymlink })
    : [action.src];
  if (matches.length === 0 && !action.allowEmptyWildcard) {
    throw new BuildError("not_found", `/${relativePath(action.src)} not found`);
  }
  const mode = action.modeStr === "" && action.mode !== -1 ? action.mode : undefined;
  const options = {
    filter: new CopyFilter(action.includePatterns, action.excludePatterns),
    followLinks: action.followSymlink,
    contentsOnly: action.dirCopyContents,
    replace: action.alwaysReplaceExistingDestPaths,
    owner,
    mode: action.modeStr !== "" ? parseModeChange(action.modeStr) : mode === undefined ? undefined : fixedMode(mode),
    parentMode: mode ?? 0o755,
    time: action.timestamp === -1n ? undefined : fileTime(action.timestamp, now),
    now: fileTime(-1n, now),
    originOf: (entry: Parameters<typeof originIn>[1]) => originIn(source, entry),
    pace: new Pace(context.signal),
  };
  for (const match of matches) {
    if (action.attemptUnpackDockerCompatibility && (await unpack(match, action, context))) continue;
    await copyPath(draft, source.tree, match, action.dest, options);
  }
}

/** @returns whether the source was an archive */
async function unpack(src: string, action: pb.FileActionCopy, context: ActionContext): Promise<boolean> {
  const { source, draft, owner, signal, cleanup, deps } = context;
  const entry = source.tree.get(followPath(source.tree, src));
  if (entry?.type !== "file") return false;
  const scratch = join(deps.runRoot, `archive-${randomUUID()}`);
  await makeDirectory(scratch, { mode: 0o700 });
  cleanup.defer(() => removeTree(scratch, { recursive: true, force: true }));
  const archive = await readArchive(await locateIn(source, entry, signal), { bytes: deps.bytes, scratch, signal });
  if (!archive) return false;
  const parents: DirectoryAttributes = {
    mode: 0o755,
    owner: owner ?? { uid: 0, gid: 0 },
    time: fileTime(action.timestamp, context.now),
  };
  const dest = followPath(draft, relativePath(action.dest));
  makeDirectories(draft, dest, parents);
  unpackInto(draft, dest, archive, { owner, parents });
  return true;
}

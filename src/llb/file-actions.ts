import type { State } from "./state.ts";

/** Somebody by number, or by a name that is looked up in the filesystem that is changed. */
export type Owner = { readonly id: number } | { readonly name: string };

/** User and group; without a group, the user's own (by name) or the same number. */
export interface Chown {
  readonly user?: Owner;
  readonly group?: Owner;
}

/** One change of a filesystem. Paths are absolute. `timestampNs`: what new files get; without it, now (or, for copies, their own). */
export type FileAction =
  | {
      readonly type: "mkdir";
      readonly path: string;
      readonly mode: number;
      readonly makeParents?: boolean;
      readonly chown?: Chown;
      readonly timestampNs?: bigint;
    }
  | {
      readonly type: "mkfile";
      readonly path: string;
      readonly mode: number;
      readonly data: Uint8Array;
      readonly chown?: Chown;
      readonly timestampNs?: bigint;
    }
  | { readonly type: "rm"; readonly path: string; readonly allowNotFound?: boolean; readonly allowWildcard?: boolean }
  | {
      readonly type: "symlink";
      readonly target: string;
      readonly path: string;
      readonly chown?: Chown;
      readonly timestampNs?: bigint;
    }
  | CopyAction;

/** Copies out of another filesystem. */
export interface CopyAction {
  readonly type: "copy";
  readonly from: State;
  readonly source: string;
  /** With a slash at its end: a directory. */
  readonly destination: string;
  readonly chown?: Chown;
  /** Permission bits, or chmod's words; without it, those of the source. */
  readonly mode?: number | string;
  readonly followSymlinks?: boolean;
  readonly copyDirContentsOnly?: boolean;
  readonly attemptUnpack?: boolean;
  readonly createDestPath?: boolean;
  readonly allowWildcard?: boolean;
  readonly allowEmptyWildcard?: boolean;
  readonly includePatterns?: readonly string[];
  readonly excludePatterns?: readonly string[];
  readonly requiredPaths?: readonly string[];
  readonly timestampNs?: bigint;
}

/** Done in order, each on top of what the one before made; they share one vertex. */
export type FileActions = readonly [FileAction, ...FileAction[]];

/** `user[:group]` in its parts: numbers are numbers, `root` is 0, all else a name. */
export function parseChown(text: string): Chown {
  const at = text.indexOf(":");
  const owner = (part: string): Owner => {
    if (part === "root") return { id: 0 };
    return /^\d+$/.test(part) && Number(part) < 2 ** 31 ? { id: Number(part) } : { name: part };
  };
  if (at < 0) return { user: owner(text) };
  return { user: owner(text.slice(0, at)), group: owner(text.slice(at + 1)) };
}

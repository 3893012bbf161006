import { statSync } from "node:fs";
import { resolve } from "node:path";
import { filesync, localFiles } from "../../api/mod.ts";
import { BuildError, messageOf } from "../../base/errors/mod.ts";
import { directorySource, type FileStat, sendTree } from "../../filesync/mod.ts";
import { type HandlerContext, pathOf, type Route, type ServedStream, service } from "../../rpc/mod.ts";
import { decodeDirectoryRequest } from "../pattern-headers.ts";
import type { Attachable } from "./attachable.ts";

/** A directory of this machine that an engine may read. */
export interface SharedDirectory {
  /** The directory; a symlink to one is followed. */
  readonly path: string;
  /** What is never sent, whatever the engine asks for; `.dockerignore` patterns. */
  readonly exclude?: readonly string[] | undefined;
}

/** What {@link fileSync} wants to know. */
export interface FileSyncOptions {
  /** By the name under which the engine asks, for instance `context` and `dockerfile`. */
  readonly dirs: Readonly<Record<string, SharedDirectory>>;
  /** Told the bytes of file contents sent so far, by directory name. */
  readonly onProgress?: ((dirName: string, sentBytes: number) => void) | undefined;
}

/**
 * Lets the engine read directories of this machine and nothing else of it. Everything is sent as root's. An engine on the same machine may learn
 * where a directory lies and read it in place, unless parts of the directory are held back.
 */
export function fileSync(options: FileSyncOptions): Attachable {
  const share = (name: string): SharedDirectory => {
    const found = Object.hasOwn(options.dirs, name) ? options.dirs[name] : undefined;
    if (!found) throw new BuildError("not_found", `no access allowed to dir ${JSON.stringify(name)}`);
    return found;
  };
  const diffCopy: Route = {
    path: pathOf(filesync.FileSync.method.diffCopy),
    run: async (stream: ServedStream, { requestHeaders, signal }: HandlerContext) => {
      const { dirName, include, exclude = [], followPaths } = decodeDirectoryRequest(requestHeaders);
      const { path, exclude: held = [] } = share(dirName);
      stream.sendHeaders();
      const source = directorySource(existing(path), {
        include,
        exclude: [...exclude, ...held],
        followPaths,
        map: ownedByRoot,
      });
      await sendTree(stream, source, { signal, onProgress: (sent) => options.onProgress?.(dirName, sent) });
    },
  };
  const locate = service(localFiles.LocalFiles, {
    locate: ({ dirName }) => {
      const { path, exclude = [] } = share(dirName);
      if (exclude.length > 0)
        throw new BuildError("failed_precondition", `parts of dir ${JSON.stringify(dirName)} are held back`);
      const stats = statSync(existing(path), { bigint: true });
      return { path: resolve(path), dev: stats.dev, ino: stats.ino };
    },
  });
  return { routes: [diffCopy, ...locate] };
}

/** Files of a context belong to nobody in particular, so images do not depend on who builds them. */
function ownedByRoot(entry: FileStat): FileStat {
  return { ...entry, uid: 0, gid: 0 };
}

/** @throws {BuildError} `not_found` when there is no such directory */
function existing(path: string): string {
  let isDirectory: boolean;
  try {
    isDirectory = statSync(path).isDirectory();
  } catch (cause) {
    throw new BuildError("not_found", messageOf(cause), { cause });
  }
  if (!isDirectory) throw new BuildError("invalid_argument", `${path} is not a directory`);
  return path;
}

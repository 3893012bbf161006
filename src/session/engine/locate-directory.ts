import { statSync } from "node:fs";
import { isAbsolute } from "node:path";
import { localFiles } from "../../api/mod.ts";
import { isAbort } from "../../base/errors/mod.ts";
import { pathOf } from "../../rpc/mod.ts";
import type { SessionCaller } from "./session-caller.ts";

/**
 * Where a client's directory lies on this machine, if the client runs here, as this engine's user or root, and the engine sees the same directory there
 * (they may live in different mount namespaces).
 * @returns an absolute path to read in place, or `undefined` when the directory has to be received
 */
export async function locateDirectory(
  caller: SessionCaller,
  dirName: string,
  options: { readonly signal: AbortSignal },
): Promise<string | undefined> {
  const { peer } = caller;
  // The engine may read what another user may not, so another user does not get to name paths.
  if (!peer || (peer.uid !== 0 && peer.uid !== process.getuid?.())) return undefined;
  if (!caller.supports(pathOf(localFiles.LocalFiles.method.locate))) return undefined;
  try {
    const { path, dev, ino } = await caller.client(localFiles.LocalFiles).locate({ dirName }, options);
    if (!isAbsolute(path)) return undefined;
    const stats = statSync(path, { bigint: true });
    return stats.isDirectory() && stats.dev === dev && stats.ino === ino ? path : undefined;
  } catch (error) {
    if (isAbort(error) || options.signal.aborted) throw error;
    return undefined; // receiving it tells what is wrong, if anything is
  }
}

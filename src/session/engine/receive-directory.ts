import { filesync } from "../../api/mod.ts";
import { BuildError } from "../../base/errors/mod.ts";
import { type ReceivedTree, type ReceiveOptions, receiveTree } from "../../filesync/mod.ts";
import { pathOf } from "../../rpc/mod.ts";
import { type DirectoryRequest, encodeDirectoryRequest } from "../pattern-headers.ts";
import type { SessionCaller } from "./session-caller.ts";

/** What {@link receiveDirectory} wants to know. */
export interface ReceiveDirectoryOptions
  extends Omit<DirectoryRequest, "dirName">,
    Pick<ReceiveOptions, "signal" | "map" | "only" | "digests" | "onProgress"> {
  /** Directory on this machine that becomes like the client's. What it holds from an earlier transfer is not sent again. */
  readonly target: string;
  /** Asks for everything again, whatever it looks like. */
  readonly anew?: boolean;
}

/**
 * Receives a directory that a client shares, or a part of it.
 * @throws {BuildError} `not_found`: `no access allowed to dir "<name>"`; `failed_precondition` when the client shares no directories
 */
export async function receiveDirectory(
  caller: SessionCaller,
  dirName: string,
  options: ReceiveDirectoryOptions,
): Promise<ReceivedTree> {
  const path = pathOf(filesync.FileSync.method.diffCopy);
  if (!caller.supports(path)) throw new BuildError("failed_precondition", "no local sources enabled");
  const { signal, target, anew, include, exclude, followPaths, ...receiving } = options;
  const headers = encodeDirectoryRequest({ dirName, include, exclude, followPaths });
  const call = await caller.channel.start(path, { headers, signal });
  try {
    const received = await receiveTree(call, target, { ...receiving, signal, mode: anew ? "replace" : "mirror" });
    call.end();
    return received;
  } catch (error) {
    call.cancel(error);
    throw error;
  }
}

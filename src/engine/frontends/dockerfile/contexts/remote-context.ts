import { BuildError } from "../../../../base/errors/mod.ts";
import { git, http, marshal, scratch, type State, stateOfDefinition } from "../../../../llb/mod.ts";
import { archiveStartBytes, startsLikeArchive } from "../../../../tar/mod.ts";
import type { Bridge } from "../../bridge.ts";
import type { DockerfileOptions } from "../options.ts";
import { repositoryOf } from "./repository.ts";

/** A main context that is no directory of the client. */
export interface RemoteContext {
  readonly state: State;
  /** What was fetched, as it was fetched. */
  readonly source: State;
  /** Where the Dockerfile is, unless the client has one of its own. */
  readonly dockerfile: State;
  /** The Dockerfile's name, where what was fetched is the Dockerfile itself. */
  readonly filename?: string;
}

/** What a fetched context is called while it is one file. */
const fetchedName = "context";

/**
 * The context that the request names, fetched as far as needed to know what it is: a repository, an archive, a Dockerfile, a graph of the client's.
 * @returns `undefined` when the context is a directory of the client
 */
export async function openRemoteContext(
  bridge: Bridge,
  options: DockerfileOptions,
  { signal }: { signal: AbortSignal },
): Promise<RemoteContext | undefined> {
  const remote = await fetchContext(bridge, options, { signal });
  if (!remote || options.contextSubdir === "") return remote;
  const state = subdirectory(remote.state, options.contextSubdir);
  return { ...remote, state };
}

async function fetchContext(
  bridge: Bridge,
  { context, keepGitDir, buildArgs }: DockerfileOptions,
  { signal }: { signal: AbortSignal },
): Promise<RemoteContext | undefined> {
  const repository = context === "" ? undefined : repositoryOf(context, { keepGitDir });
  if (repository) {
    // Files as old as the commit, for images that do not depend on when they were built.
    const mtime = buildArgs["SOURCE_DATE_EPOCH"] ? "commit" : undefined;
    const state = git(
      { ...repository, mtime: repository.mtime ?? mtime },
      { name: `[internal] load git source ${context}` },
    );
    return { state, source: state, dockerfile: state };
  }
  if (/^https?:\/\//.test(context)) return await fetchFile(bridge, context, { signal });
  const given = bridge.inputs["context"];
  if (!given) return undefined;
  const state = stateOfDefinition(given);
  return { state, source: state, dockerfile: state };
}

async function fetchFile(bridge: Bridge, address: string, { signal }: { signal: AbortSignal }): Promise<RemoteContext> {
  const fetched = http(address, { filename: fetchedName }, { name: "[internal] load remote build context" });
  const ref = await bridge.solve(marshal(fetched), { signal });
  const start = await ref.readFile(fetchedName, { signal, startBytes: archiveStartBytes }).catch((cause: unknown) => {
    signal.throwIfAborted();
    if (!(cause instanceof BuildError)) throw cause;
    throw new BuildError(cause.code, `failed to read downloaded context: ${cause.message}`, { cause });
  });
  if (!startsLikeArchive(start)) return { state: fetched, source: fetched, dockerfile: fetched, filename: fetchedName };
  const state = scratch.file(
    [{ type: "copy", from: fetched, source: `/${fetchedName}`, destination: "/", attemptUnpack: true }],
    { name: "[internal] unpack remote build context" },
  );
  return { state, source: fetched, dockerfile: state };
}

function subdirectory(context: State, path: string): State {
  return scratch.file(
    [
      {
        type: "copy",
        from: context,
        source: path.startsWith("/") ? path : `/${path}`,
        destination: "/",
        copyDirContentsOnly: true,
      },
    ],
    { name: `[internal] take ${path} of the build context` },
  );
}

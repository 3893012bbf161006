import { BuildError, messageOf } from "../../../base/errors/mod.ts";
import { cleanPath } from "../../../base/text/paths/mod.ts";
import { local, marshal, type SourceFile, stateOfDefinition, vertexDigest } from "../../../llb/mod.ts";
import type { Digest } from "../../../oci/mod.ts";
import type { Bridge, BridgeRef } from "../bridge.ts";
import { openRemoteContext, type RemoteContext } from "./contexts/remote-context.ts";
import type { DockerfileOptions } from "./options.ts";

/** The Dockerfile, and what was read beside it. */
export interface DefinitionFile {
  readonly file: SourceFile;
  /** Content of `<Dockerfile>.dockerignore`; `undefined` when there is none. */
  readonly dockerignore: Uint8Array | undefined;
  /** The vertex that loaded it: warnings are shown there. */
  readonly vertex: Digest | undefined;
  /** The main context, where the engine has fetched it; `undefined`: a directory of the client. */
  readonly remote: RemoteContext | undefined;
}

/** Larger ones are refused. */
const maxDockerfileBytes = 4 * 1024 * 1024;

/**
 * Reads the Dockerfile from the client, or from a context that was fetched. Where `Dockerfile` is missing, `dockerfile` does as well.
 * @throws {BuildError} `failed to read dockerfile: open Dockerfile: no such file or directory`
 */
export async function readDefinitionFile(
  bridge: Bridge,
  options: DockerfileOptions,
  { signal }: { signal: AbortSignal },
): Promise<DefinitionFile> {
  const { dockerfileLocal } = options;
  const remote = await openRemoteContext(bridge, options, { signal });
  const fetched = options.ownDockerfile ? undefined : remote;
  const filename = fetched?.filename ?? cleanPath(`/${options.filename}`).slice(1);
  const names = [filename, `${filename}.dockerignore`];
  const lower = filename.replace(/(^|\/)Dockerfile$/, "$1dockerfile");
  if (lower !== filename) names.push(lower);
  const given = options.ownDockerfile ? undefined : bridge.inputs[dockerfileLocal];
  const state =
    (given && stateOfDefinition(given)) ??
    fetched?.dockerfile ??
    local(
      dockerfileLocal,
      {
        sessionId: options.localSession(dockerfileLocal) ?? bridge.sessionId,
        followPaths: names,
        sharedKeyHint: dockerfileLocal,
        differ: "none",
      },
      { name: `[internal] load build definition from ${filename}` },
    );
  const definition = marshal(state);
  const ref = await bridge.solve(definition, { signal });
  const limits = { signal, maxBytes: maxDockerfileBytes };
  const found = await readFirst(ref, lower === filename ? [filename] : [filename, lower], limits);
  const dockerignore = await readOptional(ref, `${filename}.dockerignore`, limits);
  return {
    file: { filename, bytes: found, language: "Dockerfile", definition },
    dockerignore,
    vertex: vertexDigest(state),
    remote,
  };
}

/** The first of `names` that there is; when there is none, the failure speaks of the first. */
async function readFirst(
  ref: BridgeRef,
  names: readonly string[],
  limits: { signal: AbortSignal; maxBytes: number },
): Promise<Uint8Array> {
  let failure: unknown;
  for (const name of names) {
    try {
      return await ref.readFile(name, limits);
    } catch (error) {
      failure ??= error;
      if (!(error instanceof BuildError && error.code === "not_found")) break;
    }
  }
  if (failure instanceof BuildError && failure.code === "canceled") throw failure;
  limits.signal.throwIfAborted();
  // The code is dropped on purpose: BuildKit's is "unknown" here, and clients print others in front of the words.
  throw new BuildError("unknown", `failed to read dockerfile: ${messageOf(failure)}`, { cause: failure });
}

/** Content of a file that need not be there. */
export async function readOptional(
  ref: BridgeRef,
  name: string,
  limits: { signal: AbortSignal; maxBytes: number },
): Promise<Uint8Array | undefined> {
  try {
    return await ref.readFile(name, limits);
  } catch (error) {
    if (error instanceof BuildError && error.code === "not_found") return undefined;
    throw error;
  }
}

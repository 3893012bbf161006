import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { BuildError, messageOf } from "../../base/errors/mod.ts";
import { fetchFrom } from "../../base/http/mod.ts";

/** Larger Dockerfiles are refused, as docker buildx refuses them. */
const maxDockerfileBytes = 2 * 1024 * 1024;

/** An empty directory that goes away with `undo`. */
export async function temporaryDirectory(undo: AsyncDisposableStack): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "polyarch-context-"));
  undo.defer(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

/** Puts `bytes` into a directory as `Dockerfile`; it goes away with `undo`. @throws {BuildError} when there are too many */
export async function temporaryDockerfile(
  bytes: AsyncIterable<Uint8Array>,
  name: string,
  undo: AsyncDisposableStack,
): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of bytes) {
    size += chunk.byteLength;
    if (size > maxDockerfileBytes) {
      throw new BuildError("invalid_argument", `Dockerfile ${name} bigger than allowed max size (2MB)`);
    }
    chunks.push(chunk);
  }
  const directory = await temporaryDirectory(undo);
  await writeFile(join(directory, "Dockerfile"), chunks);
  return directory;
}

/** Fetches a Dockerfile. @throws {BuildError} naming the address and what the server said */
export async function fetchDockerfile(
  address: string,
  undo: AsyncDisposableStack,
  { signal }: { readonly signal: AbortSignal },
): Promise<string> {
  let response: Response;
  try {
    response = await fetchFrom(address, { signal });
  } catch (cause) {
    signal.throwIfAborted();
    if (cause instanceof BuildError) throw cause;
    const why = cause instanceof Error && cause.cause ? messageOf(cause.cause) : messageOf(cause);
    throw new BuildError("unavailable", `failed to read dockerfile: failed to fetch ${address}: ${why}`, { cause });
  }
  if (!response.ok || !response.body) {
    await response.body?.cancel();
    const message = `failed to read dockerfile: failed to fetch ${address}: invalid response status ${response.status}`;
    throw new BuildError(response.status === 404 ? "not_found" : "unknown", message);
  }
  return await temporaryDockerfile(response.body, address, undo);
}

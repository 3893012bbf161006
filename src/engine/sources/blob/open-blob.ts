import { BuildError } from "../../../base/errors/mod.ts";
import { verified } from "../../../oci/mod.ts";
import { clientBlobs } from "../../../session/mod.ts";
import type { SourceEnvironment } from "../environment.ts";
import type { Incoming } from "../single-file/download.ts";
import type { BlobLocator } from "./blob-locator.ts";

/** Which of the client's layouts has the blob, where it is in one. */
export interface BlobStore {
  /** Session of the client; `undefined`: the one that started the build. */
  readonly session: string | undefined;
  /** Name under which the client offers the layout. */
  readonly store: string;
}

/**
 * Opens a blob; its bytes are verified on the way.
 * @throws {BuildError} `not_found` when it is not where it should be
 */
export async function openBlob(
  { scheme, reference, digest, name }: BlobLocator,
  { session, store }: BlobStore,
  environment: SourceEnvironment,
  signal: AbortSignal,
): Promise<Incoming> {
  if (scheme === "docker-image+blob") {
    const descriptor = await environment.registry.findContent(reference, digest, { signal });
    return { bytes: environment.registry.fetchBlob(reference, descriptor, { signal }), total: descriptor.size };
  }
  const blobs = clientBlobs(await environment.session(session, { signal }), `oci:${store}`);
  const info = await blobs.info(digest);
  if (!info)
    throw new BuildError("not_found", `${name}@${digest}: not found in the OCI layout "${store}" of the client`);
  const want = { digest, size: info.size };
  return { bytes: verified(blobs.read(digest, { signal }), want), total: info.size };
}

import { open, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { BuildError, messageOf } from "../base/errors/mod.ts";
import {
  decodeIndex,
  type Descriptor,
  type Digest,
  digestAlgorithm,
  digestHex,
  type ImageIndex,
  manifestLimitBytes,
  verified,
} from "../oci/mod.ts";
import { readFileRange } from "./read-file.ts";
import type { BlobReader, ReadOptions } from "./store.ts";

/**
 * A directory in the OCI image layout, made by somebody else: nothing in it is trusted.
 * @see https://github.com/opencontainers/image-spec/blob/main/image-layout.md
 */
export interface OciLayout extends BlobReader {
  readonly index: ImageIndex;
  /**
   * The descriptor that `index.json` has for a tag (`org.opencontainers.image.ref.name`) or a digest.
   * @throws {BuildError} `not_found`
   */
  resolve(tagOrDigest: string): Descriptor;
  /** All bytes of a blob, verified. */
  fetch(descriptor: Pick<Descriptor, "digest" | "size">, options?: { signal?: AbortSignal }): AsyncIterable<Uint8Array>;
}

/** Opens one and reads its index. @throws {BuildError} `not_found` or `invalid_argument`, naming the directory */
export async function openOciLayout(directory: string): Promise<OciLayout> {
  const version = await readLayoutVersion(directory);
  if (version !== "1.0.0") {
    throw new BuildError(
      "invalid_argument",
      `"${directory}" has OCI layout version ${JSON.stringify(version)}, want "1.0.0"`,
    );
  }
  const path = join(directory, "index.json");
  try {
    if ((await stat(path)).size > manifestLimitBytes) {
      throw new BuildError("resource_exhausted", `more than ${manifestLimitBytes} bytes`);
    }
    return new DirectoryLayout(directory, decodeIndex(await readFile(path)));
  } catch (cause) {
    throw new BuildError("invalid_argument", `Cannot read "${path}": ${messageOf(cause)}`, { cause });
  }
}

async function readLayoutVersion(directory: string): Promise<unknown> {
  try {
    const value: unknown = JSON.parse(await readFile(join(directory, "oci-layout"), "utf8"));
    return (value as { imageLayoutVersion?: unknown } | null)?.imageLayoutVersion;
  } catch (cause) {
    throw new BuildError("not_found", `"${directory}" is not an OCI image layout: ${messageOf(cause)}`, { cause });
  }
}

class DirectoryLayout implements OciLayout {
  readonly index: ImageIndex;
  readonly #directory: string;
  constructor(directory: string, index: ImageIndex) {
    this.#directory = directory;
    this.index = index;
  }
  resolve(tagOrDigest: string): Descriptor {
    const found = this.index.manifests.find(
      ({ digest, annotations }) =>
        digest === tagOrDigest || annotations?.["org.opencontainers.image.ref.name"] === tagOrDigest,
    );
    if (found) return found;
    throw new BuildError("not_found", `"${tagOrDigest}" not found in the index of OCI layout "${this.#directory}"`);
  }
  async info(digest: Digest): Promise<{ size: number } | undefined> {
    try {
      const { size } = await stat(this.#path(digest));
      return { size };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
      throw error;
    }
  }
  async *read(digest: Digest, options: ReadOptions = {}): AsyncGenerator<Uint8Array, void, undefined> {
    options.signal?.throwIfAborted();
    const file = await open(this.#path(digest), "r").catch((cause: NodeJS.ErrnoException) => {
      if (cause.code !== "ENOENT") throw cause;
      throw new BuildError("not_found", `content ${digest}: not found in OCI layout "${this.#directory}"`, { cause });
    });
    yield* readFileRange(file, options);
  }
  fetch(
    descriptor: Pick<Descriptor, "digest" | "size">,
    options: { signal?: AbortSignal } = {},
  ): AsyncIterable<Uint8Array> {
    return verified(this.read(descriptor.digest, options), descriptor);
  }
  #path(digest: Digest): string {
    return join(this.#directory, "blobs", digestAlgorithm(digest), digestHex(digest));
  }
}

import { BuildError } from "../base/errors/mod.ts";
import type { Descriptor } from "./descriptor.ts";
import { digestAlgorithm, Digester } from "./digest.ts";

/** Bytes are not what their descriptor promised. */
export class ContentMismatchError extends BuildError {
  readonly want: Pick<Descriptor, "digest" | "size">;
  constructor(want: Pick<Descriptor, "digest" | "size">, found: string) {
    super("data_loss", `Content of ${want.digest} cannot be trusted: ${found}`);
    this.want = want;
  }
}

/**
 * Passes `bytes` through and throws when they turn out not to be `want`: as soon as there are too many, else at the end. What was
 * passed on before is not to be trusted until the end is reached. Holds one chunk.
 * @throws {ContentMismatchError}
 */
export async function* verified(
  bytes: AsyncIterable<Uint8Array>,
  want: Pick<Descriptor, "digest" | "size">,
): AsyncGenerator<Uint8Array, void, undefined> {
  const digester = new Digester(digestAlgorithm(want.digest));
  for await (const chunk of bytes) {
    if (digester.size + chunk.byteLength > want.size) {
      throw new ContentMismatchError(want, `unexpected size: more than the expected ${want.size} bytes`);
    }
    digester.update(chunk);
    yield chunk;
  }
  checkContent(want, { size: digester.size, digest: digester.digest() });
}

/** Compares what arrived with what was promised. @throws {ContentMismatchError} */
export function checkContent(
  want: Pick<Descriptor, "digest" | "size">,
  got: Pick<Descriptor, "digest" | "size">,
): void {
  if (got.size !== want.size)
    throw new ContentMismatchError(want, `unexpected size ${got.size}, expected ${want.size}`);
  if (got.digest !== want.digest) throw new ContentMismatchError(want, `unexpected digest ${got.digest}`);
}

/**
 * Everything in one piece.
 * @throws {BuildError} `resource_exhausted` when there are more than `limitBytes`
 */
export async function collectBytes(
  bytes: AsyncIterable<Uint8Array>,
  options: { limitBytes: number },
): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of bytes) {
    size += chunk.byteLength;
    if (size > options.limitBytes) {
      throw new BuildError("resource_exhausted", `more than ${options.limitBytes} bytes where fewer were expected`);
    }
    chunks.push(chunk);
  }
  if (chunks.length === 1) return chunks[0] as Uint8Array;
  return Buffer.concat(chunks, size);
}

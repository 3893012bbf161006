import { constants, createZstdCompress } from "node:zlib";
import type { ChunkSource } from "./gzip.ts";

/**
 * One zstd frame with a checksum. One thread: Node's own parallel mode ends the process.
 * @see https://github.com/nodejs/node/issues/59899
 */
export async function* zstd(source: ChunkSource, options: { level: number }): AsyncGenerator<Uint8Array> {
  const stream = createZstdCompress({
    chunkSize: 256 * 1024,
    params: {
      [constants.ZSTD_c_compressionLevel]: options.level,
      [constants.ZSTD_c_checksumFlag]: 1,
    },
  });
  const feeding = (async () => {
    for await (const chunk of source.chunks) {
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      stream.write(chunk, (error) => (error ? reject(error) : resolve()));
      await promise;
      source.release(chunk);
    }
    stream.end();
  })();
  feeding.catch((error: Error) => stream.destroy(error));
  try {
    for await (const piece of stream) yield piece as Buffer;
    await feeding;
  } finally {
    stream.destroy();
  }
}

import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGunzip, createZstdDecompress } from "node:zlib";
import { BuildError, messageOf } from "../../base/errors/mod.ts";
import { type Descriptor, type Manifest, parseLayerMediaType, type Reference } from "../../oci/mod.ts";
import type { Registry } from "../../registry/mod.ts";
import { TarParser, type TarEntry } from "../../tar/mod.ts";
import { ProgramTree, startBytes } from "./program-tree.ts";

/**
 * Reads all layers of an image, base first, and keeps what can be executed. Each streams by once; nothing is stored.
 * @throws {BuildError} what the registry says, and for a layer that is no archive
 */
export async function readPrograms(
  registry: Registry,
  reference: Reference,
  { layers }: Pick<Manifest, "layers">,
  options: { readonly signal: AbortSignal },
): Promise<ProgramTree> {
  const tree = new ProgramTree();
  for (const layer of layers) {
    try {
      await readLayer(registry.fetchBlob(reference, layer, options), layer, tree);
    } catch (cause) {
      options.signal.throwIfAborted();
      if (cause instanceof BuildError && cause.code !== "invalid_argument") throw cause;
      throw new BuildError("data_loss", `cannot read layer ${layer.digest}: ${messageOf(cause)}`, { cause });
    }
  }
  return tree;
}

async function readLayer(bytes: AsyncIterable<Uint8Array>, layer: Descriptor, tree: ProgramTree): Promise<void> {
  const type = parseLayerMediaType(layer.mediaType);
  if (!type) return; // what is no layer of a file system has no programs
  let current: TarEntry | undefined;
  const start = Buffer.alloc(startBytes);
  let filled = 0;
  const parser = new TarParser({
    entry: (entry) => {
      current = entry;
      filled = 0;
    },
    data: (chunk) => {
      if (filled < startBytes) filled += Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length).copy(start, filled);
    },
    end: () => {
      if (current) tree.add(current, start.subarray(0, filled));
    },
  });
  const parse = async (tar: AsyncIterable<Uint8Array>): Promise<void> => {
    for await (const chunk of tar) parser.push(chunk);
    parser.finish();
  };
  switch (type.compression) {
    case "uncompressed":
      return await parse(bytes);
    case "gzip":
      return await pipeline(Readable.from(bytes), createGunzip(), parse);
    case "zstd":
      return await pipeline(Readable.from(bytes), createZstdDecompress(), parse);
  }
}

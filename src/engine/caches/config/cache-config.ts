import { BuildError, messageOf } from "../../../base/errors/mod.ts";
import { type Digest, parseDigest } from "../../../oci/mod.ts";

/** Media type of a {@link CacheConfig}. */
export const cacheConfigType = "application/vnd.buildkit.cacheconfig.v0";

/** Larger ones are refused: they come from outside. */
export const cacheConfigLimitBytes = 64 * 1024 * 1024;

/** A layer of a cache, on top of another one. */
export interface CacheLayer {
  readonly blob: Digest;
  /** Index of the layer below; -1: there is none. */
  readonly parent: number;
  /** What its blob is, where no manifest tells that. */
  readonly annotations?: LayerAnnotations | undefined;
}

/** What a blob is. */
export interface LayerAnnotations {
  readonly mediaType: string;
  readonly diffId: Digest;
  readonly size: number;
  readonly createdAt: Date | undefined;
}

/** Something that was done, by its key: what came of it, and what it follows from. */
export interface CacheConfigRecord {
  readonly digest: Digest;
  /** The results, each as the layers it consists of, base first, by index. */
  readonly results: readonly (readonly number[])[];
  /** Indexes of records of which any stands for the same work. */
  readonly links: readonly number[];
}

/** The list of contents of an exported cache. */
export interface CacheConfig {
  readonly layers: readonly CacheLayer[];
  readonly records: readonly CacheConfigRecord[];
}

/**
 * Reads a list of contents that somebody else has written, and checks that what it points to is there.
 * @throws {BuildError} `invalid_argument`
 */
export function decodeCacheConfig(bytes: Uint8Array): CacheConfig {
  return decoded(bytes, (value) => {
    const json = object(value, "cache config");
    const layers = list(json["layers"], "layers").map(decodeLayer);
    return { layers, records: decodeRecords(json["records"], layers) };
  });
}

/** As {@link decodeCacheConfig}, where only the records are written down and the layers are known. */
export function decodeCacheRecords(bytes: Uint8Array, layers: readonly CacheLayer[]): CacheConfig {
  return decoded(bytes, (records) => ({ layers, records: decodeRecords(records, layers) }));
}

function decoded(bytes: Uint8Array, decode: (json: unknown) => CacheConfig): CacheConfig {
  try {
    return decode(JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes)));
  } catch (cause) {
    throw new BuildError("invalid_argument", `invalid cache config: ${messageOf(cause)}`, { cause });
  }
}

function decodeRecords(values: unknown, layers: readonly CacheLayer[]): readonly CacheConfigRecord[] {
  let room = maxResultLayers;
  const records = list(values, "records").map((value, at) => {
    const record = decodeRecord(value, layers, at, room);
    room -= record.results.reduce((sum, { length }) => sum + length, 0);
    return record;
  });
  for (const { links } of records) for (const link of links) within(link, records, "link");
  return records;
}

/** The list of contents as text; `annotated` where no manifest says what its blobs are. */
export function encodeCacheConfig({ layers, records }: CacheConfig, { annotated }: { annotated: boolean }): Uint8Array {
  const json = {
    layers: layers.map(({ blob, parent, annotations }) => ({
      blob,
      // Readers take a parent that is missing for the first layer.
      ...(parent === 0 ? {} : { parent }),
      ...(annotated && annotations
        ? {
            annotations: {
              mediaType: annotations.mediaType,
              diffID: annotations.diffId,
              size: annotations.size,
              createdAt: annotations.createdAt?.toISOString() ?? noTime,
            },
          }
        : {}),
    })),
    records: recordsAsJson({ layers, records }),
  };
  return new TextEncoder().encode(JSON.stringify(json));
}

/** Only the records, for readers who know the layers. */
export function encodeCacheRecords(config: CacheConfig): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(recordsAsJson(config)));
}

function recordsAsJson({ layers, records }: CacheConfig): readonly object[] {
  return records.map(({ digest, results, links }) => {
    const [stacked, chained] = [true, false].map((wanted) =>
      results.filter((result) => isStack(result, layers) === wanted),
    );
    return {
      digest,
      ...(stacked?.length ? { layers: stacked.map((result) => recordLayer(result, layers)) } : {}),
      ...(chained?.length ? { chains: chained.map((result) => ({ layers: result })) } : {}),
      ...(links.length > 0 ? { inputs: [links.map((link) => ({ link }))] } : {}),
    };
  });
}

/** Whether a result is a layer and all that lie below it. */
function isStack(result: readonly number[], layers: readonly CacheLayer[]): boolean {
  return result.every((layer, at) => layers[layer]?.parent === (result[at - 1] ?? -1));
}

/** How Go writes a time that is not known. */
const noTime = "0001-01-01T00:00:00Z";

function recordLayer(result: readonly number[], layers: readonly CacheLayer[]): Record<string, unknown> {
  const layer = result.at(-1) ?? -1;
  return { layer, createdAt: layers[layer]?.annotations?.createdAt?.toISOString() ?? noTime };
}

function decodeLayer(value: unknown, at: number): CacheLayer {
  const layer = object(value, `layer ${at}`);
  const parent = layer["parent"] ?? 0;
  if (typeof parent !== "number" || !Number.isInteger(parent) || parent < -1) throw new Error(`parent of layer ${at}`);
  const annotations = layer["annotations"];
  return {
    blob: parseDigest(text(layer["blob"], `blob of layer ${at}`)),
    parent,
    ...(annotations ? { annotations: decodeAnnotations(object(annotations, `annotations of layer ${at}`)) } : {}),
  };
}

function decodeAnnotations(json: Readonly<Record<string, unknown>>): LayerAnnotations {
  const size = json["size"];
  if (typeof size !== "number" || !Number.isSafeInteger(size) || size < 0) throw new Error("size of a layer");
  return {
    mediaType: text(json["mediaType"], "mediaType"),
    diffId: parseDigest(text(json["diffID"], "diffID")),
    size,
    createdAt: parseTime(json["createdAt"]),
  };
}

/** Layers of all results together: far more than any build has, few enough to hold. A few kilobytes of text could name billions. */
const maxResultLayers = 1_000_000;

/** A time, unless it is none or Go's zero. */
export function parseTime(value: unknown): Date | undefined {
  if (typeof value !== "string" || value === noTime) return undefined;
  const time = new Date(value);
  return Number.isNaN(time.getTime()) ? undefined : time;
}

function decodeRecord(value: unknown, layers: readonly CacheLayer[], at: number, room: number): CacheConfigRecord {
  const record = object(value, `record ${at}`);
  const take = (count: number) => {
    if ((room -= count) < 0) throw new Error(`results of more than ${maxResultLayers} layers`);
  };
  const tops = list(record["layers"], "layers of a record").map((item) => {
    const top = object(item, "layer of a record")["layer"] ?? 0;
    const below = layersBelow(within(top, layers, "layer"), layers);
    take(below.length);
    return below;
  });
  const chains = list(record["chains"], "chains of a record").map((chain) =>
    list(object(chain, "chain")["layers"], "layers of a chain").map((layer) => within(layer, layers, "layer")),
  );
  // Only what stands for one other piece of work means something here: see the docs of the exporter.
  const inputs = list(record["inputs"], "inputs of a record");
  const links = inputs.length === 1 ? list(inputs[0], "input").flatMap(decodeLink) : [];
  return { digest: parseDigest(text(record["digest"], "digest of a record")), results: [...tops, ...chains], links };
}

function decodeLink(value: unknown): readonly number[] {
  const { link = 0, selector = "" } = object(value, "input");
  return typeof link === "number" && selector === "" ? [link] : [];
}

/** The layer and all that lie below it, base first. */
function layersBelow(top: number, layers: readonly CacheLayer[]): readonly number[] {
  const chain: number[] = [];
  for (let at = top; at !== -1; at = layers[at]?.parent ?? -1) {
    within(at, layers, "parent");
    if (chain.length >= layers.length) throw new Error("layers that lie on themselves");
    chain.push(at);
  }
  return chain.reverse();
}

function within(index: unknown, all: readonly unknown[], what: string): number {
  if (typeof index === "number" && Number.isInteger(index) && index >= 0 && index < all.length) return index;
  throw new Error(`${what} ${String(index)} is none of ${all.length}`);
}

function object(value: unknown, what: string): Readonly<Record<string, unknown>> {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  throw new Error(`${what} is not an object`);
}

function list(value: unknown, what: string): readonly unknown[] {
  if (value === undefined || value === null) return [];
  if (Array.isArray(value)) return value as unknown[];
  throw new Error(`${what}: not a list`);
}

function text(value: unknown, what: string): string {
  if (typeof value === "string") return value;
  throw new Error(`${what} is not a text`);
}

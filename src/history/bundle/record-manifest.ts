import { asBuildError, BuildError } from "../../base/errors/mod.ts";
import type { CallControl, HistoryRecord } from "../../client/mod.ts";
import {
  collectBytes,
  type Descriptor,
  describe,
  type Digest,
  formatPlatform,
  mediaTypes,
  parseDigest,
} from "../../oci/mod.ts";
import type { BuildRecord } from "../build-record.ts";
import { recordJson } from "./record-json.ts";
import { sanitizedTrace } from "./sanitize.ts";

/** One build as JSON: the config of its manifest. */
const recordType = "application/vnd.buildkit.historyrecord.v0";
/** Says of a blob what it was called before it became part of a bundle, where nothing may look for the parts of an image. */
const originalType = "vnd.export-build.descriptor.mediatype";
/** Largest blob that is taken. */
const largest = 256 * 1024 * 1024;

/** Something in a bundle. */
export interface Blob {
  readonly descriptor: Descriptor;
  readonly bytes: Uint8Array;
}

/** Collects what a build consists of, into `blobs`. @returns its manifest, whose config is the record and whose layers are all else */
export async function recordManifest(
  build: BuildRecord,
  blobs: Map<Digest, Blob>,
  options: CallControl,
): Promise<Descriptor> {
  const { wire, node, local } = build;
  const add = (mediaType: string, bytes: Uint8Array): Descriptor => {
    const descriptor = describe(mediaType, bytes);
    blobs.set(descriptor.digest, { descriptor, bytes });
    return descriptor;
  };
  const layers: Descriptor[] = [];
  const seen = new Set<string>();
  const addLayer = async (from: Part | undefined, change?: (added: Descriptor, from: Part) => Descriptor) => {
    if (!from || seen.has(from.digest)) return;
    seen.add(from.digest);
    const bytes = await fetched(build, from.digest, options);
    const annotations = Object.keys(from.annotations).length > 0 ? { annotations: { ...from.annotations } } : {};
    const added = { ...add(from.mediaType, bytes), ...annotations };
    layers.push(change ? change(added, from) : added);
  };
  const addResult = async ({ Attestations, Results }: NonNullable<HistoryRecord["Result"]>) => {
    for (const attestation of Attestations) await addLayer(attestation);
    for (const result of Object.values(Results)) {
      await addLayer(result, (added, { mediaType }) => ({
        ...added,
        mediaType: "application/json",
        annotations: { ...added.annotations, [originalType]: mediaType },
      }));
    }
  };

  let { trace } = wire;
  if (trace) {
    const descriptor = add(trace.mediaType, sanitizedTrace(await fetched(build, trace.digest, options)));
    layers.push(descriptor);
    trace = { ...trace, digest: descriptor.digest, size: BigInt(descriptor.size) };
  }
  await addLayer(wire.logs);
  if (wire.Result) await addResult(wire.Result);
  await addLayer(wire.externalError);
  for (const result of Object.values(wire.Results)) await addResult(result);

  const [worker] = await node.client.listWorkers(options);
  const [first] = worker?.platforms ?? [];
  const platform = first && {
    os: first.OS,
    architecture: first.Architecture,
    ...(first.Variant ? { variant: first.Variant } : {}),
  };
  const record = recordJson({ ...wire, trace }, { defaultPlatform: platform ? formatPlatform(platform) : "", local });
  const config = add(recordType, json(record));
  return add(mediaTypes.ociManifest, json({ schemaVersion: 2, mediaType: mediaTypes.ociManifest, config, layers }));
}

type Part = NonNullable<HistoryRecord["logs"]>;

/** JSON as it is written into bundles. */
export function json(value: unknown): Uint8Array {
  return Buffer.from(JSON.stringify(value, undefined, 2));
}

async function fetched({ node, ref }: BuildRecord, digest: string, options: CallControl): Promise<Uint8Array> {
  try {
    return await collectBytes(node.client.readBlob(parseDigest(digest), options), { limitBytes: largest });
  } catch (error) {
    const { code, message } = asBuildError(error);
    throw new BuildError(code, `failed to export record ${ref}: cannot read ${digest}: ${message}`, { cause: error });
  }
}

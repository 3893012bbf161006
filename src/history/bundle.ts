import { createGzip } from "node:zlib";
import { pipeline } from "node:stream/promises";
import type { Timestamp } from "../base/protobuf/mod.ts";
import { asBuildError, BuildError } from "../base/errors/mod.ts";
import type { CallControl, HistoryRecord } from "../client/mod.ts";
import {
  collectBytes,
  type Descriptor,
  describe,
  type Digest,
  digestHex,
  mediaTypes,
  parseDigest,
} from "../oci/mod.ts";
import { type TarMember, writeTar } from "../tar/mod.ts";
import { listAttachments } from "./attachments.ts";
import type { BuildRecord } from "./build-record.ts";

/** One build as JSON: the config of its manifest. */
const recordType = "application/vnd.buildkit.historyrecord.v0";
/** Says of a blob what it was called before it became part of a bundle. */
const originalType = "vnd.export-build.descriptor.mediatype";
/** Largest blob that is taken. */
const largest = 256 * 1024 * 1024;

interface Blob {
  readonly descriptor: Descriptor;
  readonly bytes: Uint8Array;
}

/**
 * Writes builds as Docker Desktop's `.dockerbuild` bundle: an OCI image layout in a gzipped tar, with a manifest for each build whose config is the
 * record, and whose layers are its log and attachments.
 */
export async function writeBundle(
  records: readonly BuildRecord[],
  output: NodeJS.WritableStream,
  options: CallControl,
): Promise<void> {
  const blobs = new Map<Digest, Blob>();
  const manifests: Descriptor[] = [];
  for (const record of records) manifests.push(await addBuild(record, blobs, options));
  const index = { schemaVersion: 2, mediaType: mediaTypes.ociIndex, manifests };
  await pipeline(writeTar(members(blobs, index)), createGzip(), output, { end: false });
}

async function addBuild(record: BuildRecord, blobs: Map<Digest, Blob>, options: CallControl): Promise<Descriptor> {
  const add = (mediaType: string, bytes: Uint8Array): Descriptor => {
    const descriptor = describe(mediaType, bytes);
    blobs.set(descriptor.digest, { descriptor, bytes });
    return descriptor;
  };
  const { logs, trace, externalError } = record.wire;
  const layers: Descriptor[] = [];
  for (const blob of [logs, trace, externalError]) {
    const bytes = blob && (await fetched(record, blob.digest, options));
    if (bytes) layers.push(add(blob.mediaType, bytes));
  }
  for (const { digest, type } of await listAttachments(record, options)) {
    const bytes = await fetched(record, digest, options);
    if (bytes) layers.push({ ...add("application/json", bytes), annotations: { [originalType]: type } });
  }
  const config = add(recordType, json(recordJson(record.wire)));
  return add(mediaTypes.ociManifest, json({ schemaVersion: 2, mediaType: mediaTypes.ociManifest, config, layers }));
}

/** `undefined` for what the engine has not kept. */
async function fetched({ node }: BuildRecord, digest: string, options: CallControl): Promise<Uint8Array | undefined> {
  try {
    return await collectBytes(node.client.readBlob(parseDigest(digest), options), { limitBytes: largest });
  } catch (error) {
    const known = asBuildError(error);
    if (known.code === "not_found") return undefined;
    throw new BuildError(known.code, `cannot read ${digest}: ${known.message}`, { cause: error });
  }
}

function* members(blobs: ReadonlyMap<Digest, Blob>, index: unknown): Generator<TarMember> {
  yield file("oci-layout", Buffer.from('{"imageLayoutVersion":"1.0.0"}'));
  yield file("index.json", json(index));
  for (const name of ["blobs/", "blobs/sha256/"]) yield { entry: { ...entry(name, 0), type: "dir", mode: 0o755 } };
  for (const [digest, { bytes }] of [...blobs].toSorted(([a], [b]) => (a < b ? -1 : 1))) {
    yield file(`blobs/sha256/${digestHex(digest)}`, bytes);
  }
}

function file(name: string, bytes: Uint8Array): TarMember {
  return { entry: entry(name, bytes.byteLength), body: [bytes] };
}

function entry(name: string, size: number): TarMember["entry"] {
  return { name, type: "file", mode: 0o644, uid: 0, gid: 0, size, mtimeSec: 0, mtimeNsec: 0 };
}

function json(value: unknown): Uint8Array {
  return Buffer.from(JSON.stringify(value, undefined, 2));
}

/** A record in the spelling of Go's JSON, which Docker Desktop reads: nothing that is empty, times as seconds and nanoseconds. */
function recordJson(record: HistoryRecord): unknown {
  const { Ref, Frontend, FrontendAttrs, Exporters, error, CreatedAt, CompletedAt, ExporterResponse } = record;
  const result = (info: NonNullable<HistoryRecord["Result"]>) => ({
    ResultDeprecated: info.ResultDeprecated && descriptorJson(info.ResultDeprecated),
    Attestations: info.Attestations.map(descriptorJson),
    Results: mapValues(info.Results, descriptorJson),
  });
  return withoutEmpty({
    Ref,
    Frontend,
    FrontendAttrs,
    Exporters: Exporters.map(({ Type, Attrs }) => ({ Type, Attrs })),
    error: error && { code: error.code, message: error.message },
    CreatedAt: CreatedAt && timeJson(CreatedAt),
    CompletedAt: CompletedAt && timeJson(CompletedAt),
    logs: record.logs && descriptorJson(record.logs),
    ExporterResponse,
    Result: record.Result && result(record.Result),
    Results: mapValues(record.Results, result),
    Generation: record.Generation,
    trace: record.trace && descriptorJson(record.trace),
    pinned: record.pinned,
    numCachedSteps: record.numCachedSteps,
    numTotalSteps: record.numTotalSteps,
    numCompletedSteps: record.numCompletedSteps,
    externalError: record.externalError && descriptorJson(record.externalError),
    numWarnings: record.numWarnings,
  });
}

function timeJson({ seconds, nanos }: Timestamp): unknown {
  return { seconds: Number(seconds), nanos };
}

function descriptorJson({ mediaType, digest, size, annotations }: NonNullable<HistoryRecord["logs"]>): unknown {
  return { media_type: mediaType, digest, size: Number(size), annotations };
}

function mapValues<A, B>(map: Readonly<Record<string, A>>, change: (value: A) => B): Record<string, B> {
  return Object.fromEntries(Object.entries(map).map(([key, value]) => [key, change(value)]));
}

/** Without fields that say nothing, at any depth. */
function withoutEmpty(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutEmpty);
  if (typeof value !== "object" || value === null) return value;
  const fields = Object.entries(value).map(([key, field]) => [key, withoutEmpty(field)] as const);
  return Object.fromEntries(fields.filter(([, field]) => !isEmpty(field)));
}

function isEmpty(value: unknown): boolean {
  if (typeof value === "object" && value !== null) return Object.keys(value).length === 0;
  return value === undefined || value === "" || value === 0 || value === false;
}

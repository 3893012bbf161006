import { createGzip } from "node:zlib";
import { pipeline } from "node:stream/promises";
import type { CallControl } from "../../client/mod.ts";
import { type Descriptor, describe, type Digest, digestHex, mediaTypes } from "../../oci/mod.ts";
import { type TarMember, writeTar } from "../../tar/mod.ts";
import type { BuildRecord } from "../build-record.ts";
import { type Blob, json, recordManifest } from "./record-manifest.ts";

/** Names a build in a bundle of several. */
const referenceKey = "vnd.buildkit.history.reference";

/**
 * Writes builds as Docker Desktop's `.dockerbuild` bundle: an OCI image layout in a gzipped tar, with a manifest for each build whose config is the
 * record, and whose layers are its trace, log, error and results; several builds stand in an index of their own.
 */
export async function writeBundle(
  records: readonly BuildRecord[],
  output: NodeJS.WritableStream,
  options: CallControl,
): Promise<void> {
  const blobs = new Map<Digest, Blob>();
  const manifests: Descriptor[] = [];
  for (const record of records) {
    const manifest = await recordManifest(record, blobs, options);
    manifests.push(records.length === 1 ? manifest : { ...manifest, annotations: { [referenceKey]: record.ref } });
  }
  const [only] = manifests;
  const top = only && manifests.length === 1 ? only : addIndex(manifests, blobs);
  const index = { schemaVersion: 2, mediaType: mediaTypes.ociIndex, manifests: [top] };
  await pipeline(writeTar(members(blobs, index)), createGzip(), output, { end: false });
}

function addIndex(manifests: readonly Descriptor[], blobs: Map<Digest, Blob>): Descriptor {
  const bytes = json({ schemaVersion: 2, mediaType: mediaTypes.ociIndex, manifests });
  const descriptor = describe(mediaTypes.ociIndex, bytes);
  blobs.set(descriptor.digest, { descriptor, bytes });
  return descriptor;
}

function* members(blobs: ReadonlyMap<Digest, Blob>, index: unknown): Generator<TarMember> {
  for (const name of ["blobs/", "blobs/sha256/"]) yield { entry: { ...entry(name, 0), type: "dir", mode: 0o755 } };
  for (const [digest, { bytes }] of [...blobs].toSorted(([a], [b]) => (a < b ? -1 : 1))) {
    yield file(`blobs/sha256/${digestHex(digest)}`, bytes);
  }
  yield file("index.json", json(index));
  yield file("oci-layout", Buffer.from('{"imageLayoutVersion":"1.0.0"}'));
}

function file(name: string, bytes: Uint8Array): TarMember {
  return { entry: entry(name, bytes.byteLength), body: [bytes] };
}

function entry(name: string, size: number): TarMember["entry"] {
  return { name, type: "file", mode: 0o644, uid: 0, gid: 0, size, mtimeSec: 0, mtimeNsec: 0 };
}

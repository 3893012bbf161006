import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, type TestContext } from "node:test";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { mountOverlay, unmount } from "../../../base/sys/mod.ts";
import { type ContentStore, openDirectoryStore } from "../../../content/mod.ts";
import { digestOf, layerMediaType } from "../../../oci/mod.ts";
import { type ByteWorkers, openByteWorkers } from "../../bytes/mod.ts";
import { type LayerToc, packLayer, type TocEntry } from "../../snapshots/mod.ts";
import { type OpenedRefStore, openRefStore, type Ref, type RemoteLayer } from "../mod.ts";

/** A store in a directory of its own, for tests. */
export interface StoreRig {
  readonly root: string;
  readonly content: ContentStore;
  readonly bytes: ByteWorkers;
  readonly store: OpenedRefStore;
  /** Closes the store and opens it again, as after a restart. */
  reopen(): Promise<StoreRig>;
}

export const signal = new AbortController().signal;

const bytes = openByteWorkers({ limit: 2 });
after(() => bytes[Symbol.asyncDispose]());

/** Opens a store whose directory goes with the test. */
export async function storeRig(t: TestContext): Promise<StoreRig> {
  const root = mkdtempSync(join(tmpdir(), "refs-"));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  return await openRig(root);
}

async function openRig(root: string): Promise<StoreRig> {
  const content = await openDirectoryStore(join(root, "content"));
  const store = await openRefStore({ root: join(root, "refs"), content, bytes });
  const reopen = async (): Promise<StoreRig> => {
    await store[Symbol.asyncDispose]();
    return await openRig(root);
  };
  return { root, content, bytes, store, reopen };
}

const meta = { uid: 0, gid: 0, size: 0, mtimeSec: 1_600_000_000, mtimeNsec: 0 } as const;

/** An entry for a plan: a directory for `undefined`, else a file with this text. */
export function entry(path: string, text?: string, mode = text === undefined ? 0o755 : 0o644): TocEntry {
  if (text === undefined) return { ...meta, path, type: "dir", mode };
  const data = Buffer.from(text);
  return {
    ...meta,
    path,
    type: "file",
    mode,
    size: data.length,
    digest: digestOf(data),
    content: { kind: "bytes", data },
  };
}

/** A link for a plan. */
export function symlink(path: string, linkname: string): TocEntry {
  return { ...meta, path, type: "symlink", mode: 0o777, linkname };
}

/** A layer of these entries, sorted as given. */
export function layer(
  entries: readonly TocEntry[],
  whiteouts: readonly string[] = [],
  opaques: readonly string[] = [],
): LayerToc {
  return { entries, whiteouts, opaques };
}

/** The tar of a layer. */
export function tarOf(toc: LayerToc): Buffer {
  return Buffer.concat([...packLayer(toc, () => Buffer.alloc(8192), { check: () => undefined })]);
}

/** A layer as a registry would give it, counting how often it is fetched. */
export function remoteLayer(
  toc: LayerToc | Buffer,
  compression: "uncompressed" | "gzip" | "zstd" = "gzip",
): RemoteLayer & { readonly fetches: () => number } {
  const tar = Buffer.isBuffer(toc) ? toc : tarOf(toc);
  const blob = compression === "gzip" ? gzipSync(tar) : compression === "zstd" ? zstdCompressSync(tar) : tar;
  let fetches = 0;
  return {
    descriptor: {
      mediaType: layerMediaType({ family: "docker", compression }),
      digest: digestOf(blob),
      size: blob.length,
    },
    diffId: digestOf(tar),
    createdAt: new Date(1_600_000_000_000),
    repository: "registry.example/library/base",
    fetches: () => fetches,
    async *fetch() {
      fetches++;
      for (let at = 0; at < blob.length; at += 1000) yield blob.subarray(at, at + 1000);
    },
  };
}

/** All bytes of a stream. */
export async function collect(bytes: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of bytes) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** Runs `work` in a mounted overlay of a mutable tree on `parent`, and commits. */
export async function runIn(rig: StoreRig, parent: Ref, work: (root: string) => void): Promise<Ref> {
  const tree = await rig.store.mutable(parent, { signal, description: "test" });
  const target = mkdtempSync(join(rig.root, "mnt-"));
  mountOverlay({ ...tree.overlay, target });
  try {
    work(target);
  } finally {
    unmount(target);
  }
  return await tree.commit({ signal, description: "test" });
}

/** Shows `ref` mounted to `look`. */
export async function showing<T>(rig: StoreRig, ref: Ref, look: (root: string) => T): Promise<T> {
  const target = mkdtempSync(join(rig.root, "mnt-"));
  const lower = await ref.lowerDirs({ signal });
  const empty = join(rig.root, "empty");
  mkdirSync(empty, { recursive: true });
  mountOverlay({ lower: [...lower, empty], target });
  try {
    return look(target);
  } finally {
    unmount(target);
  }
}

export function sha256(bytes: Uint8Array): string {
  return `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
}

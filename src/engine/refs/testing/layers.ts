import { gzipSync, zstdCompressSync } from "node:zlib";
import { digestOf, layerMediaType } from "../../../oci/mod.ts";
import { type LayerToc, packLayer, type TocEntry } from "../../snapshots/mod.ts";
import type { RemoteLayer } from "../mod.ts";

/** Never aborts. */
export const signal = new AbortController().signal;

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

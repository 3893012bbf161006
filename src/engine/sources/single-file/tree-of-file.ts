import type { LayerToc } from "../../snapshots/mod.ts";
import type { Download } from "./download.ts";
import type { FileAttributes } from "./file-attributes.ts";

/** The one file of a tree, taken from where it was stored. @param options.modifiedSec whole seconds since the epoch */
export function treeOfFile(
  { path, size, digest }: Download,
  { mode, uid, gid }: FileAttributes,
  options: { readonly filename: string; readonly modifiedSec: number },
): LayerToc {
  const entry = {
    path: options.filename,
    type: "file",
    mode,
    uid,
    gid,
    size,
    mtimeSec: options.modifiedSec,
    mtimeNsec: 0,
    digest,
    content: { kind: "range", file: path, offsetBytes: 0 },
  } as const;
  return { entries: [entry], whiteouts: [], opaques: [] };
}

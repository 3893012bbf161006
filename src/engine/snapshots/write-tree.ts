import { ContentReader } from "./content-reader.ts";
import { FileShrankError } from "./pack-layer.ts";
import type { LayerToc } from "./toc.ts";
import { TreeWriter, writeFully } from "./tree-writer.ts";

const bufferBytes = 256 * 1024;

/**
 * Lays a table of contents out as a directory (which must exist and be empty) that overlayfs can stack: files from where their content is, deletions as
 * overlayfs spells them, times to the nanosecond. Synchronous, for worker threads.
 * @param check called between pieces; throws to stop
 */
export function writeTree(toc: LayerToc, root: string, check: () => void): void {
  const writer = new TreeWriter(root);
  const buffer = Buffer.allocUnsafeSlow(bufferBytes);
  using content = new ContentReader();
  for (const entry of toc.entries) {
    check();
    const { path, type } = entry;
    if (type === "dir") writer.directory(path);
    else if (type === "symlink") writer.symlink(path, entry.linkname ?? "", entry);
    else if (type !== "file") writer.node(path, type, entry);
    else if (entry.hardlink !== undefined) writer.link(path, entry.hardlink);
    else {
      if (!entry.content) throw new Error(`Internal error: "${path}" has no content to be written`);
      let left = content.begin(entry.content, entry.size);
      const fd = writer.beginFile(path);
      while (left > 0) {
        const got = content.read(buffer, 0, buffer.length);
        if (got === 0) throw new FileShrankError(path);
        writeFully(fd, buffer.subarray(0, got));
        left -= got;
        check();
      }
      writer.endFile(fd, path, entry);
    }
  }
  for (const path of toc.whiteouts) writer.whiteout(path);
  for (const path of toc.opaques) writer.opaque(path);
  for (const entry of toc.entries.toReversed()) if (entry.type === "dir") writer.directoryMetadata(entry.path, entry);
}

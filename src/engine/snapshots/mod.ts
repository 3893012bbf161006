/**
 * Trees, their tables of contents, and how they are packed, unpacked and compared.
 *
 * A {@link LayerToc} says what one layer adds and deletes; {@link mergeLayers} shows what a process on a stack of them would see, without touching a disk.
 * `LayerReader` makes the table of a tar that passes by, `scanDirectory` that of a directory, `completeLayer` what a tar leaves to the layers below;
 * `packLayer` and `writeTree` turn a table back into a tar or a directory. These are synchronous: worker threads call them (see `engine/bytes`).
 */
export { type CompletedLayer, completeLayer, isComplete } from "./complete-layer.ts";
export { FileIndex, type FileStamp, type IndexedFile, isSettled } from "./file-index.ts";
export { type HashedFile, hashFile } from "./hash-file.ts";
export { contentChunks } from "./content-chunks.ts";
export { LinkGroups } from "./link-groups.ts";
export { LayerReader } from "./layer-reader.ts";
export { FileShrankError, packLayer, type PackObserver } from "./pack-layer.ts";
export { baseOf, comparePaths, joinPath, parentOf } from "./path-order.ts";
export { scanDirectory, type ScanOptions } from "./scan-directory.ts";
export { type Sealing, sealDirectory } from "./seal-directory.ts";
export { sortToc } from "./sort-toc.ts";
export { type ContentLocator, decodeToc, encodeToc } from "./toc-codec.ts";
export type { EntryType, FileContent, LayerToc, TocEntry, Tree } from "./toc.ts";
export { impliedDirectory, MergedTree, mergeLayers } from "./tree.ts";
export { TreeWriter, writeFully } from "./tree-writer.ts";
export { writeTree } from "./write-tree.ts";
export { belongsToFile, fileXattrs } from "./xattrs.ts";

/** Trees, their tables of contents, and how they are packed, unpacked and compared. */
export { baseOf, comparePaths, joinPath, parentOf } from "./path-order.ts";
export type { EntryType, FileContent, LayerToc, TocEntry, Tree } from "./toc.ts";
export { impliedDirectory, MergedTree, mergeLayers } from "./tree.ts";

/** Trees, their tables of contents, and how they are packed, unpacked and compared. */
export type { EntryType, FileContent, LayerToc, TocEntry, Tree } from "./toc.ts";

/**
 * Directory trees: walking them through filters, sending and receiving them in fsutil's format.
 *
 * A tree is a sequence of {@link FileStat}s in one order (byte by byte, `/` lowest: `a`, `a/b`, `a-b`), each directory before its contents.
 * {@link walkTree} makes it from a directory, {@link sendTree} sends it and whatever contents the other side asks for, {@link receiveTree}
 * writes it below a root that nothing from outside can leave.
 */
export type { FileStat, FileType } from "./file-stat.ts";
export { comparePaths, compareNames } from "./path-order.ts";
export { type TreeFilter, type WalkedFile, type WalkOptions, walkTree } from "./walk.ts";
export { followPaths } from "./follow-paths.ts";
export { type PacketStream } from "./packets.ts";
export { type SendOptions, sendTree, type TreeSource } from "./send-tree.ts";
export { directorySource, type DirectorySourceOptions, readFileChunks } from "./directory-source.ts";
export { metadataFile } from "./metadata-log.ts";
export { type ReceivedTree, type ReceiveOptions, receiveTree } from "./receive-tree.ts";
export { decodeStat, encodeStat } from "./wire-stat.ts";

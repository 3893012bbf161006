/** Trees in memory, to be looked through in tests. */
export { memoryTree } from "./memory-tree.ts";

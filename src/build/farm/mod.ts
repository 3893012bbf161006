/**
 * A build on several nodes: each platform goes to the node that builds it ({@link assignPlatforms}), the shares are built side by side, and what
 * the nodes pushed by digest becomes one image under all its names. A node that dies leaves its share to another that can do it.
 */
export { FarmNode, type FarmNodeOptions } from "./farm-node.ts";
export type { MergeRequest, PushedImage } from "./merge.ts";
export { NodeLostError } from "./node-lost.ts";
export { type FarmResult, type FarmSurroundings, runFarm } from "./run-farm.ts";

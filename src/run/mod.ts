/**
 * Trying an image: one process in a container made of it, on whatever engine there is. The client leads a build (BuildKit's gateway), which needs
 * nothing of the engine but what BuildKit has: the image becomes a result, the result a container's root, and what the process says comes back
 * over a stream.
 */
export type { RunOptions } from "./run-options.ts";
export { runImage, type RunOutcome, type RunSurroundings } from "./run-image.ts";
export type { ContainerProcess } from "./container-process.ts";

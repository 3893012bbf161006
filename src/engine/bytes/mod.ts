/**
 * Byte work on worker threads: hashing, (de)compressing, packing, unpacking, walking. {@link openByteWorkers} makes the pool, {@link Jobs} says what it
 * can be asked; {@link hashFiles} and {@link tocOfDirectory} are the two that others than results ask for.
 */
export { byteWorkerEntry } from "./entry.ts";
export type { Codec, EncodedToc, FileDigest, JobName, Jobs, WalkStamp, WrittenBlob } from "./jobs.ts";
export { type ByteWorkers, type JobOptions, openByteWorkers } from "./pool.ts";
export { type DirectoryScan, hashFiles, tocOfDirectory } from "./work.ts";

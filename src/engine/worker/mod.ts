/** One place that can build: its platforms, sources, results, processes and what it remembers, opened and closed together. */
export { openWorker, type Worker, type WorkerOptions } from "./worker.ts";
export { explainFullDisk } from "./full-disk.ts";
export { defaultPolicy, pruneRule, type PruneRule, type UsageRecord } from "./gc/mod.ts";

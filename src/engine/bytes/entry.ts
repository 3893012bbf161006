import { dirname, join } from "node:path";

// Exists in a CommonJS bundle only.
declare const __filename: string | undefined;

/** The script that each worker thread runs: this folder's `main.ts`, or in the bundled program `byte-worker.cjs` beside the bundle. */
export function byteWorkerEntry(): string | URL {
  if (typeof __filename === "string") return join(dirname(__filename), "byte-worker.cjs");
  return new URL("./main.ts", import.meta.url);
}

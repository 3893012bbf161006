import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

// Exists in a CommonJS bundle only.
declare const __filename: string | undefined;

/** The script that the helper process runs: this folder's `main.ts`, or in the bundled program `spawner.cjs` beside the bundle. */
export function spawnerEntry(): string {
  if (typeof __filename === "string") return join(dirname(__filename), "spawner.cjs");
  return fileURLToPath(new URL("./main.ts", import.meta.url));
}

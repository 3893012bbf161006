import { readdirSync, readFileSync, statSync } from "node:fs";
import { extname, join } from "node:path";
import { isSystemError } from "../../base/sys/mod.ts";

/** A file that describes devices, as it is now. */
export interface SpecFile {
  readonly path: string;
  /** Of files that describe the same device, the one of the highest priority counts. */
  readonly priority: number;
  /** Changes when the file does. */
  readonly stamp: string;
}

/** Larger ones are not read. */
const maxBytes = 16 << 20;

/** The specification files of some directories, of which later ones have priority; those that are not there have none. */
export function findSpecFiles(directories: readonly string[]): readonly SpecFile[] {
  return directories.flatMap((directory, priority) =>
    namesIn(directory).flatMap((name) => {
      const path = join(directory, name);
      const stat = [".json", ".yaml"].includes(extname(name)) && statSync(path, { throwIfNoEntry: false });
      if (!stat || !stat.isFile()) return [];
      return [{ path, priority, stamp: `${path}:${stat.ino}:${stat.size}:${stat.mtimeMs}:${stat.ctimeMs}` }];
    }),
  );
}

/** What a specification file holds. YAML is read by a library that is loaded when the first file needs it. */
export async function readSpecFile(path: string): Promise<unknown> {
  if (statSync(path).size > maxBytes) throw new Error(`larger than ${maxBytes} bytes`);
  const text = readFileSync(path, "utf8");
  if (extname(path) === ".json") return JSON.parse(text);
  const { parse } = await import("yaml");
  // As the programs that write these files have it: 0660 is octal.
  return parse(text, { version: "1.1" });
}

function namesIn(directory: string): readonly string[] {
  try {
    return readdirSync(directory).toSorted();
  } catch (error) {
    if (isSystemError(error, "ENOENT", "ENOTDIR")) return [];
    throw error;
  }
}

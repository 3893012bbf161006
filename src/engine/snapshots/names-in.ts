import { readdirSync } from "node:fs";
import { pathFromBytes } from "../../tar/mod.ts";

/** Names of what is in a directory, in no particular order; those that are no UTF-8 as `pathFromBytes` gives them. */
export function namesIn(directory: string | Buffer): string[] {
  const names = readdirSync(directory);
  // Node puts U+FFFD where bytes are no text: only then is the slower question needed.
  if (!names.some((name) => name.includes("\ufffd"))) return names;
  return readdirSync(directory, { encoding: "buffer" }).map((name) => pathFromBytes(name));
}

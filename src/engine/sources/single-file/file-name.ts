import { baseName } from "../../../base/text/paths/mod.ts";

/** A name for a file that cannot be a path: the last component of what is given, `download` where that is no name. */
export function safeFileName(given: string): string {
  const name = baseName(given.trim());
  return name === "" || name === "." || name === ".." || name === "/" || /\p{Cc}/u.test(name) ? "download" : name;
}

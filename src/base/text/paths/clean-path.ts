/**
 * The shortest equivalent of a slash-separated path: no `//`, no `.`, no inner `..`, no trailing slash; `""` becomes `.`.
 * `..` at the start of a relative path stays, at the start of an absolute one it vanishes (Go's `path.Clean`).
 */
export function cleanPath(path: string): string {
  const rooted = path.startsWith("/");
  const kept: string[] = [];
  for (const part of path.split("/")) {
    if (part === "" || part === ".") continue;
    if (part !== "..") kept.push(part);
    else if (kept.length > 0 && kept.at(-1) !== "..") kept.pop();
    else if (!rooted) kept.push("..");
  }
  const joined = kept.join("/");
  if (rooted) return `/${joined}`;
  return joined === "" ? "." : joined;
}

/** All non-empty parts joined by slashes and cleaned; `""` when there is none. */
export function joinPath(...parts: readonly string[]): string {
  const given = parts.filter((part) => part !== "");
  return given.length === 0 ? "" : cleanPath(given.join("/"));
}

/** The last component of a path; `"."` of nothing, `"/"` of the root (Go's `path.Base`). */
export function baseName(path: string): string {
  if (path === "") return ".";
  return path.split("/").findLast((part) => part !== "") ?? "/";
}

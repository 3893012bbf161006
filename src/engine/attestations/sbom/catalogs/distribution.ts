import type { Distribution } from "./catalog.ts";

/** Where a tree says of which system it is; the first that is there counts. */
export const releaseFiles: readonly string[] = ["etc/os-release", "usr/lib/os-release"];

/** Reads an `os-release`. `undefined`: it does not say. @see https://www.freedesktop.org/software/systemd/man/latest/os-release.html */
export function parseRelease(text: string): Distribution | undefined {
  const values = new Map<string, string>();
  for (const line of text.split("\n")) {
    const [, key, value = ""] = /^\s*([A-Z_][A-Z0-9_]*)=(.*?)\s*$/.exec(line) ?? [];
    if (key !== undefined) values.set(key, unquote(value));
  }
  const id = values.get("ID")?.toLowerCase() ?? "";
  if (!/^[a-z0-9._-]+$/.test(id)) return undefined;
  const version = values.get("VERSION_ID") ?? "";
  return { id, version, name: values.get("PRETTY_NAME") || values.get("NAME") || id };
}

/** A distribution as package URLs name it: `debian-12`. */
export function distroQualifier(distribution: Distribution | undefined): string {
  if (!distribution) return "";
  const { id, version } = distribution;
  return version === "" ? id : `${id}-${version}`;
}

function unquote(value: string): string {
  const [, quote, inner = ""] = /^(["'])(.*)\1$/.exec(value) ?? [];
  return quote === undefined ? value : inner.replaceAll(/\\([$"'\\`])/g, "$1");
}

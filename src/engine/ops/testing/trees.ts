import { digestOf } from "../../../oci/mod.ts";
import { comparePaths, type LayerToc, mergeLayers, parentOf, type TocEntry, type Tree } from "../../snapshots/mod.ts";

/** What a test says of one path: a file's text, a link (`-> target`), or fields of its own. A path that ends in `/` is a directory. */
export type Spec = string | Partial<TocEntry>;

/** The time of everything that says no other. */
export const testTime = { mtimeSec: 1_000, mtimeNsec: 0 } as const;

/** One entry, made up where the test says nothing. */
export function entryOf(given: string, spec: Spec): TocEntry {
  const path = given.replace(/\/$/, "");
  const own = typeof spec === "string" ? {} : spec;
  const common = { path, uid: 0, gid: 0, size: 0, ...testTime };
  if (given.endsWith("/")) return { ...common, type: "dir", mode: 0o755, ...own };
  if (typeof spec === "string" && spec.startsWith("-> ")) {
    return { ...common, type: "symlink", mode: 0o777, linkname: spec.slice(3) };
  }
  const data = Buffer.from(typeof spec === "string" ? spec : path);
  const file = { size: data.length, digest: digestOf(data), content: { kind: "bytes", data } } as const;
  return { ...common, type: "file", mode: 0o644, ...file, ...own };
}

/** A layer; directories that are not mentioned are made up. */
export function layerOf(specs: Readonly<Record<string, Spec>>): LayerToc {
  const entries = new Map<string, TocEntry>();
  for (const [path, spec] of Object.entries(specs)) {
    const entry = entryOf(path, spec);
    entries.set(entry.path, entry);
  }
  for (const given of Object.keys(specs)) {
    for (let at = parentOf(given.replace(/\/$/, "")); at !== ""; at = parentOf(at)) {
      if (!entries.has(at)) entries.set(at, entryOf(`${at}/`, ""));
    }
  }
  return {
    entries: [...entries.values()].sort((a, b) => comparePaths(a.path, b.path)),
    whiteouts: [],
    opaques: [],
  };
}

/** A tree of one layer. */
export function treeOf(specs: Readonly<Record<string, Spec>> = {}): Tree {
  return mergeLayers([layerOf(specs)]);
}

/** What a tree or plan holds, one short line per path: type, mode, owner where it is not root's, text or target. */
export function describeEntries(entries: Iterable<TocEntry>): string[] {
  const lines: string[] = [];
  for (const entry of entries) {
    if (entry.path === "") continue;
    const owner = entry.uid === 0 && entry.gid === 0 ? "" : ` ${entry.uid}:${entry.gid}`;
    const mode = entry.mode.toString(8);
    lines.push(`${entry.path}${entry.type === "dir" ? "/" : ""} ${mode}${owner}${describeContent(entry)}`);
  }
  return lines;
}

function describeContent({ type, linkname, hardlink, content }: TocEntry): string {
  if (hardlink !== undefined) return ` = ${hardlink}`;
  if (type === "symlink") return ` -> ${linkname}`;
  if (type === "file") return content?.kind === "bytes" ? ` "${Buffer.from(content.data).toString()}"` : " ?";
  return type === "dir" ? "" : ` ${type}`;
}

/** All of a plan: entries, `- path` for deletions, `! path` for opaque directories. */
export function describePlan(plan: LayerToc): string[] {
  return [
    ...describeEntries(plan.entries),
    ...plan.whiteouts.map((path) => `- ${path}`),
    ...plan.opaques.map((path) => `! ${path}`),
  ];
}

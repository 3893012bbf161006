import { joinPath, type LayerToc, type TocEntry } from "../../snapshots/mod.ts";
import { type DirectoryAttributes, makeDirectories, type Owner } from "./directories.ts";
import type { Draft } from "./draft.ts";
import { followParent } from "./tree-path.ts";

/**
 * Puts what an archive holds into the directory `dest` of `draft` (made already, links followed), which is the root for all names and links:
 * nothing gets out of it.
 * @param options `owner` of everything; undefined: as in the archive. `parents`: for directories that the archive implies
 */
export function unpackInto(
  draft: Draft,
  dest: string,
  archive: LayerToc,
  options: { readonly owner: Owner | undefined; readonly parents: DirectoryAttributes },
): void {
  const inside = { get: (path: string) => draft.get(path === "" ? dest : joinPath(dest, path)) };
  const links = new Map<string, object>();
  for (const entry of archive.entries) {
    if (entry.path === "") continue; // the directory itself stays as it is
    const path = joinPath(dest, followParent(inside, entry.path));
    const parent = path.slice(0, Math.max(0, path.lastIndexOf("/")));
    makeDirectories(draft, parent, options.parents);
    draft.put({ ...entry, path, ...options.owner }, { link: linkOf(links, entry) });
  }
}

function linkOf(links: Map<string, object>, { path, hardlink, type }: TocEntry): object | undefined {
  if (type !== "file") return undefined;
  const mark = links.get(hardlink ?? path) ?? {};
  links.set(hardlink ?? path, mark);
  return mark;
}

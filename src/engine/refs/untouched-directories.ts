import type { LayerToc, TocEntry, Tree } from "../snapshots/mod.ts";

/**
 * Drops the directories that overlayfs copied up although nothing about them changed: a mount point lay in them, or something was made there and
 * taken away again. As for BuildKit, a directory's time alone is no change. Directories above something that did change stay, so that the
 * layer can be unpacked by itself.
 * @param below what the process stood on
 */
export function withoutUntouchedDirectories(toc: LayerToc, below: Tree): LayerToc {
  const needed = new Set<string>();
  const needParents = (path: string): void => {
    for (let cut = path.lastIndexOf("/"); cut > 0; cut = path.lastIndexOf("/", cut - 1)) {
      const parent = path.slice(0, cut);
      if (needed.has(parent)) return;
      needed.add(parent);
    }
  };
  for (const path of [...toc.whiteouts, ...toc.opaques]) needParents(path);
  for (const path of toc.opaques) needed.add(path);
  const changed = (entry: TocEntry): boolean => entry.type !== "dir" || !sameDirectory(entry, below.get(entry.path));
  for (const entry of toc.entries) if (changed(entry)) needParents(entry.path);
  return { ...toc, entries: toc.entries.filter((entry) => needed.has(entry.path) || changed(entry)) };
}

function sameDirectory(entry: TocEntry, lower: TocEntry | undefined): boolean {
  return (
    lower?.type === "dir" &&
    lower.mode === entry.mode &&
    lower.uid === entry.uid &&
    lower.gid === entry.gid &&
    sameXattrs(entry.xattrs ?? {}, lower.xattrs ?? {})
  );
}

function sameXattrs(a: Readonly<Record<string, Uint8Array>>, b: Readonly<Record<string, Uint8Array>>): boolean {
  const names = Object.keys(a);
  if (names.length !== Object.keys(b).length) return false;
  return names.every((name) => {
    const [one, other] = [a[name], b[name]];
    return one !== undefined && other !== undefined && Buffer.compare(one, other) === 0;
  });
}

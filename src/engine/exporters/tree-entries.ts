import { BuildError } from "../../base/errors/mod.ts";
import { comparePaths, LinkGroups, type TocEntry } from "../snapshots/mod.ts";
import { attestationFiles } from "./attestation-files.ts";
import type { ExportContext, ExportSource, PlatformRef } from "./exporter.ts";

/** Where the tree of one platform goes when each has a directory of its own, for instance `linux_arm_v7`. */
export function platformDirectory({ id }: PlatformRef): string {
  return id.replaceAll("/", "_");
}

/**
 * All entries of one platform's tree in order, the root left out, with the bytes of every regular file at hand. Two names of one file
 * stay two names only where both still are that file: a later layer may have replaced one of them.
 */
async function locatedEntries(platformRef: PlatformRef, context: ExportContext): Promise<readonly TocEntry[]> {
  const { ref } = platformRef;
  const { signal } = context;
  const tree = await ref.tree({ signal });
  const entries = [...tree.walk("")].filter((entry) => entry.path !== "");
  const located = await ref.locate(entries, { signal });
  const links = new LinkGroups(tree, entries);
  const firstNames = new Map<object, string>();
  return located.map((entry) => {
    const { hardlink: _, ...rest } = entry;
    const group = links.of(entry);
    if (!group) return rest;
    // The layer's own first name of it may be gone, or come later in this order: the first one met here takes its place.
    const first = firstNames.get(group);
    if (first !== undefined) return { ...rest, hardlink: first };
    firstNames.set(group, entry.path);
    return rest;
  });
}

/**
 * All that is written of one platform's tree, in order: its entries, as {@link locatedEntries} has them, and in its root what is said of it, which
 * takes the place of what has the same name.
 */
export async function exportedEntries(
  platformRef: PlatformRef,
  source: ExportSource,
  { saidPrefix, split, context }: { saidPrefix: string; split: boolean; context: ExportContext },
): Promise<readonly TocEntry[]> {
  const entries = (await locatedEntries(platformRef, context)).filter(({ type }) => type !== "socket");
  const naming = source.multiPlatform && !split ? "by-platform" : "plain";
  const said = await attestationFiles(platformRef, entries, source, { prefix: saidPrefix, naming, context });
  if (said.length === 0) return entries;
  const taken = new Set(said.map(({ path }) => path));
  const kept = entries
    .filter(({ path }) => !taken.has(path.split("/", 1)[0] ?? ""))
    .map(({ hardlink, ...entry }) => (hardlink === undefined || taken.has(hardlink) ? entry : { ...entry, hardlink }));
  return [...kept, ...said].sort((a, b) => comparePaths(a.path, b.path));
}

/** Whether the platforms' trees go into directories of their own. */
export function splitsByPlatform(source: ExportSource, wanted: boolean | undefined): boolean {
  return wanted ?? source.multiPlatform;
}

/** Notices two platforms that would write the same path of one merged tree. */
export class PathClashes {
  readonly #owners = new Map<string, string>();
  /** @returns whether `path` is new; a directory that both have is fine. @throws {BuildError} `invalid_argument` for any other clash */
  claim(path: string, type: TocEntry["type"], owner: string): boolean {
    const earlier = this.#owners.get(path);
    if (earlier === undefined) {
      this.#owners.set(path, owner);
      return true;
    }
    if (type === "dir") return false;
    throw new BuildError(
      "invalid_argument",
      `cannot overwrite ${path} from ${earlier} with ${owner} when split option is disabled`,
    );
  }
}

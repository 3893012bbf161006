import { Pace, TaskGroup } from "../../../../base/async/mod.ts";
import { isAbort, messageOf } from "../../../../base/errors/mod.ts";
import { apkCatalog } from "./apk.ts";
import type { Catalog, Distribution, FoundPackage, ScannedFile, ScannedTree } from "./catalog.ts";
import { parseRelease, releaseFiles } from "./distribution.ts";
import { dpkgCatalog } from "./dpkg.ts";
import { goCatalog } from "./go.ts";
import { npmCatalog, npmLockCatalog } from "./npm.ts";
import { pythonCatalog } from "./python.ts";
import { rpmCatalog } from "./rpm/mod.ts";
import { wholeText } from "./whole-text.ts";

const catalogs: readonly Catalog[] = [
  apkCatalog,
  dpkgCatalog,
  goCatalog,
  npmCatalog,
  npmLockCatalog,
  pythonCatalog,
  rpmCatalog,
];

/** Files that are read at a time. */
const maxOpen = 8;
const maxReleaseBytes = 64 * 1024;

/** What is in a tree. */
export interface Findings {
  readonly distribution: Distribution | undefined;
  /** Each once, sorted by their URLs and where they were found. */
  readonly packages: readonly FoundPackage[];
  /** Files that should have said something and could not be read, each with the reason; sorted. */
  readonly unread: readonly { readonly path: string; readonly why: string }[];
}

/** Looks for packages in a tree. What cannot be read fails nothing: it is told. */
export async function findPackages(tree: ScannedTree, { signal }: { signal: AbortSignal }): Promise<Findings> {
  const unread: { path: string; why: string }[] = [];
  /** `undefined`: it could not be read. */
  const attempt = async <T>(file: ScannedFile, read: () => Promise<T>): Promise<T | undefined> => {
    try {
      return await read();
    } catch (error) {
      if (isAbort(error) || signal.aborted) throw error;
      unread.push({ path: file.path, why: messageOf(error) });
      return undefined;
    }
  };
  const wanted: { readonly file: ScannedFile; readonly catalog: Catalog }[] = [];
  const releases = new Map<string, ScannedFile>();
  const pace = new Pace(signal);
  for (const file of tree.files()) {
    if (pace.isDue) await pace.rest();
    if (releaseFiles.includes(file.path)) releases.set(file.path, file);
    for (const catalog of catalogs) if (catalog.wants(file, tree)) wanted.push({ file, catalog });
  }
  const release = releaseFiles.flatMap((path) => releases.get(path) ?? [])[0];
  const distribution = release && (await attempt(release, () => readRelease(tree, release)));
  await using group = new TaskGroup({ limit: maxOpen, signal });
  const found = await group.all(
    wanted.map(
      ({ file, catalog }) =>
        () =>
          attempt(file, async () => {
            await using reader = await tree.open(file);
            return await catalog.read(file, reader, { tree, distribution });
          }),
    ),
  );
  const packages = new Map(found.flatMap((list) => list ?? []).map((one) => [`${one.url} ${one.foundIn}`, one]));
  return {
    distribution,
    packages: [...packages].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, one]) => one),
    unread: unread.toSorted((a, b) => (a.path < b.path ? -1 : 1)),
  };
}

async function readRelease(tree: ScannedTree, file: ScannedFile): Promise<Distribution | undefined> {
  await using reader = await tree.open(file);
  return parseRelease(await wholeText(file, reader, maxReleaseBytes));
}

import { digestOf } from "../../../oci/mod.ts";
import { type ScannedFile, type ScannedTree, type ScanStatement, scanTrees } from "../../attestations/mod.ts";
import { followPath } from "../../ops/mod.ts";
import type { Ref } from "../../refs/mod.ts";
import type { TocEntry } from "../../snapshots/mod.ts";
import type { Build } from "../build.ts";
import type { LazyResult } from "../lazy-result.ts";
import { openEntry } from "../open-entry.ts";
import type { ScannedRef, ScanOptions } from "./scan-options.ts";

/** Files that people are told of since they could not be read: the list names more. */
const maxWarnings = 10;

/** Looks through results without running anything, when somebody looks into what was found. @returns directories of statements, one for each result */
export async function builtinScans(
  build: Build,
  refs: readonly ScannedRef[],
  options: ScanOptions,
): Promise<readonly LazyResult[]> {
  const { policies = [], epochOf } = options;
  const scans = refs.map(async ({ id, definition, scan }) => {
    const core = await build.add(definition, { policies });
    const extras: [string, LazyResult][] = [];
    for (const [name, tree] of scan?.extras ?? []) extras.push([name, await build.add(tree, { policies })]);
    return build.made(async () => {
      const trees = new Map<string, Ref | undefined>();
      for (const [name, tree] of extras) trees.set(name, await tree.build());
      const targets = { core: await core.build(), extras: trees };
      return await scanResult(build, targets, { id, epoch: epochOf(id) });
    });
  });
  return await Promise.all(scans);
}

/** Looks through one result, as a step of the build. */
async function scanResult(
  build: Build,
  targets: { readonly core: Ref | undefined; readonly extras: ReadonlyMap<string, Ref | undefined> },
  { id, epoch }: { readonly id: string; readonly epoch: number | undefined },
): Promise<Ref> {
  const { job, deps } = build;
  const { signal } = job;
  const name = `[${id}] generating sbom`;
  const step = job.progressFor({ digest: digestOf(name), name });
  step.start();
  try {
    const extras = new Map<string, ScannedTree>();
    for (const [name, ref] of targets.extras) extras.set(name, await scannedTree(ref, { signal }));
    const core = await scannedTree(targets.core, { signal });
    const created = epoch === undefined ? (targets.core?.createdAt ?? new Date(0)) : new Date(epoch * 1000);
    const tool = `polyarch-${deps.version}`;
    const statements = await scanTrees({ core, extras }, { tool, created, signal });
    const unread = statements.flatMap(({ findings }) => findings.unread);
    for (const { path, why } of unread.slice(0, maxWarnings)) {
      step.warn({ level: 1, short: `SBOM: /${path} could not be read: ${why}` });
    }
    if (unread.length > maxWarnings) {
      step.warn({ level: 1, short: `SBOM: ${unread.length - maxWarnings} more files could not be read` });
    }
    const ref = await write(statements, created, { build, description: name });
    step.complete();
    return ref;
  } catch (error) {
    if (!signal.aborted) step.error(error);
    throw error;
  }
}

/** The statements as files of a tree. */
async function write(
  statements: readonly ScanStatement[],
  created: Date,
  { build, description }: { readonly build: Build; readonly description: string },
): Promise<Ref> {
  const { refs } = build.deps.worker;
  const mtimeSec = Math.floor(created.getTime() / 1000);
  const entries = statements.map(({ filename, bytes: data }): TocEntry => {
    const attributes = { mode: 0o644, uid: 0, gid: 0, mtimeSec, mtimeNsec: 0 };
    const content = { kind: "bytes", data } as const;
    return { path: filename, type: "file", size: data.byteLength, digest: digestOf(data), content, ...attributes };
  });
  const scratch = refs.scratch();
  try {
    const { signal } = build.job;
    const layer = { entries, whiteouts: [], opaques: [] };
    return (await refs.writeLayer(scratch, layer, { signal, description })).ref;
  } finally {
    await scratch.release();
  }
}

/** A result as scanners see it. @param ref `undefined`: the empty tree */
async function scannedTree(ref: Ref | undefined, { signal }: { readonly signal: AbortSignal }): Promise<ScannedTree> {
  const tree = await ref?.tree({ signal });
  const fileOf = ({ path, type, size, mode }: TocEntry): ScannedFile | undefined =>
    type === "file" ? { path, sizeBytes: size, isExecutable: (mode & 0o111) !== 0 } : undefined;
  return {
    *files() {
      for (const entry of tree?.walk("") ?? []) {
        const file = fileOf(entry);
        if (file) yield file;
      }
    },
    has: (path) => tree?.get(path) !== undefined,
    find: (path) => {
      try {
        const entry = tree?.get(followPath(tree, path));
        return entry && fileOf(entry);
      } catch {
        return undefined; // links in circles, and such
      }
    },
    async open({ path }) {
      const entry = tree?.get(path);
      const [located] = (entry && (await ref?.locate([entry], { signal }))) ?? [];
      if (!located) throw new Error(`Internal error: no file ${path} in the tree that is looked through`);
      return await openEntry(located);
    },
  };
}

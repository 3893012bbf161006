import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { openDirectoryStore } from "../../../content/mod.ts";
import type { Digest, Platform } from "../../../oci/mod.ts";
import { marshal, source, type State } from "../../../llb/mod.ts";
import { openByteWorkers } from "../../bytes/mod.ts";
import type { Executor, ExitStatus, ProcessIO, ProcessSpec } from "../../executor/mod.ts";
import { type OpenedRefStore, openRefStore, type Ref } from "../../refs/mod.ts";
import type { LayerToc, TocEntry } from "../../snapshots/mod.ts";
import { type CacheStore, type Edge, Solver, type StatusEvent } from "../../solver/mod.ts";
import { loadDefinition, type OpDeps, type OpEnvironment } from "../mod.ts";
import { layerOf, type Spec } from "./trees.ts";

/** The platform of all tests. */
export const platform: Platform = { os: "linux", architecture: "amd64" };

/** What a fake process does: it may look at and change its root, and says how it ended. */
export type FakeProcess = (
  spec: ProcessSpec,
  io: ProcessIO,
  signal: AbortSignal,
) => Promise<Partial<ExitStatus>> | Partial<ExitStatus>;

/** Ops over a real store, with trees of the test's own as sources and a process that is a function. */
export interface OpsRig {
  readonly root: string;
  readonly deps: OpDeps<OpEnvironment>;
  readonly refs: OpenedRefStore;
  /** Specs of the processes that ran. */
  readonly processes: ProcessSpec[];
  /** A source that gives this tree; keyed by `name`, or by nothing that lasts when `volatile`. */
  tree(name: string, specs: Readonly<Record<string, Spec>>, options?: { volatile?: boolean }): State;
  /** Builds in a job of its own. */
  build(state: State, options?: OpEnvironment & { readonly signal?: AbortSignal }): Promise<Built>;
  /** Builds an edge in a job of its own; gives the id of the result. */
  solve(edge: Edge<Ref, OpEnvironment> | undefined, environment: OpEnvironment): Promise<string>;
}

/** What a build gave. */
export interface Built {
  readonly entries: readonly TocEntry[];
  /** How many layers the result has. */
  readonly layers: number;
  readonly events: readonly StatusEvent[];
}

/** Opens a rig that ends with the test, which fails when mounts or directories are left. */
export async function opsRig(t: TestContext, process: FakeProcess | Executor = () => ({})): Promise<OpsRig> {
  const root = mkdtempSync(join(tmpdir(), "ops-"));
  const bytes = openByteWorkers({ limit: 2 });
  const content = await openDirectoryStore(join(root, "content"));
  const refs = await openRefStore({ root: join(root, "refs"), content, bytes });
  const runRoot = join(root, "run");
  const cacheMountRoot = join(root, "cache");
  for (const directory of [runRoot, cacheMountRoot]) mkdirSync(directory);
  t.after(async () => {
    assert.deepEqual(readdirSync(runRoot), [], "something is left of a process");
    await refs[Symbol.asyncDispose]();
    await bytes[Symbol.asyncDispose]();
    rmSync(root, { recursive: true, force: true });
  });

  const trees = new Map<string, { readonly layer: LayerToc; readonly volatile: boolean }>();
  const processes: ProcessSpec[] = [];
  const deps: OpDeps<OpEnvironment> = {
    refs,
    executor: typeof process === "function" ? fakeExecutor(process, processes) : process,
    bytes,
    sources: [
      {
        scheme: "test",
        open: ({ identifier }) => ({
          cacheMap: async () => ({
            key: identifier,
            volatile: trees.get(identifier)?.volatile ?? false,
            material: () => ({ type: "local", name: identifier }),
          }),
          run: async ({ signal }) => {
            const base = refs.scratch();
            const plan = trees.get(identifier)?.layer ?? layerOf({});
            const { ref } = await refs.writeLayer(base, plan, { signal, description: identifier });
            await base.release();
            return ref;
          },
        }),
      },
    ],
    runRoot,
    cacheMountRoot,
    platform,
    now: () => new Date(5_000_000),
  };
  const solver = new Solver<Ref, OpEnvironment>({ cache: savedRefs(refs), pools: { exec: 2 } });
  let jobs = 0;
  return {
    root,
    deps,
    refs,
    processes,
    tree(name, specs, { volatile = false } = {}) {
      const identifier = `test://${name}`;
      trees.set(identifier, { layer: layerOf(specs), volatile });
      return source({ identifier, platform, attributes: {}, capabilities: [] });
    },
    async build(state, { signal = new AbortController().signal, ...environment } = {}) {
      const { edge } = loadDefinition(marshal(state), deps);
      assert.ok(edge);
      const job = solver.openJob(`job ${jobs++}`, { environment, signal });
      const events = Array.fromAsync(job.status());
      try {
        const ref = await job.build(edge);
        const entries = await readAll(ref, signal);
        const blobs = await ref.blobs({ signal, compression: { type: "uncompressed" } });
        await ref.release();
        await job.close();
        return { entries, layers: blobs.length, events: await events };
      } finally {
        await job.close();
      }
    },
    async solve(edge, environment) {
      assert.ok(edge);
      const job = solver.openJob(`job ${jobs++}`, { environment, signal: new AbortController().signal });
      try {
        const ref = await job.build(edge);
        await ref.release();
        return ref.id;
      } finally {
        await job.close();
      }
    },
  };
}

/** All entries, with small contents in memory so that tests can compare them. */
async function readAll(ref: Ref, signal: AbortSignal): Promise<readonly TocEntry[]> {
  const entries = [...(await ref.tree({ signal })).walk("")];
  const files = entries.filter((entry) => entry.type === "file");
  const located = new Map((await ref.locate(files, { signal })).map((entry) => [entry.path, readFile(entry)] as const));
  return entries.map((entry) => located.get(entry.path) ?? entry);
}

function readFile(entry: TocEntry): TocEntry {
  if (entry.content?.kind !== "range") return entry;
  const { file, offsetBytes } = entry.content;
  const data = readFileSync(file).subarray(offsetBytes, offsetBytes + entry.size);
  return { ...entry, content: { kind: "bytes", data } };
}

function fakeExecutor(process: FakeProcess, processes: ProcessSpec[]): Executor {
  return {
    run: async (spec, io, { signal }) => {
      processes.push(spec);
      return { code: 0, oomKilled: false, ...(await process(spec, io, signal)) };
    },
    networkMode: "host",
    platforms: async () => [{ platform, how: "native" }],
  };
}

function savedRefs(refs: OpenedRefStore): CacheStore<Ref> {
  const saved = new Map<Digest, string>();
  const contentKeys = new Map<Digest, Digest>();
  return {
    load: async (key) => {
      const name = saved.get(key);
      return name === undefined ? undefined : await refs.load(name);
    },
    store: async (key, ref) => {
      const name = refs.save(ref);
      if (name !== undefined) saved.set(key, name);
    },
    loadContentKey: async (key) => contentKeys.get(key),
    storeContentKey: async (key, contentKey) => void contentKeys.set(key, contentKey),
  };
}

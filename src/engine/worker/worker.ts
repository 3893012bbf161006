import { readFile, rm, writeFile } from "node:fs/promises";
import { randomBytes } from "node:crypto";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { makeDirectory } from "../../base/files/mod.ts";
import type { Spawner } from "../../base/process/mod.ts";
import { unmount } from "../../base/sys/mod.ts";
import { type ContentStore, openDirectoryStore } from "../../content/mod.ts";
import { currentPlatform } from "../../oci/mod.ts";
import { openByteWorkers } from "../bytes/mod.ts";
import { type DnsSettings, type Executor, type ExecutorOptions, openExecutor } from "../executor/mod.ts";
import type { DeviceRegistry } from "../devices/mod.ts";
import type { OpDeps, OpEnvironment } from "../ops/mod.ts";
import { openRefStore, type OpenedRefStore, type Ref } from "../refs/mod.ts";
import { Solver } from "../solver/mod.ts";
import {
  GitRepositories,
  gitSource,
  blobSources,
  httpSources,
  imageSource,
  KnownFiles,
  localSource,
  ociLayoutSource,
  type SourceEnvironment,
} from "../sources/mod.ts";
import { checkRoot } from "./check-root.ts";
import { Reserve } from "./reserve.ts";
import { SqliteCacheStore } from "./cache-store.ts";
import { fullDiskNow } from "./full-disk.ts";
import {
  cacheMounts,
  gitRepositories,
  Housekeeping,
  KeptDirectories,
  type PruneRule,
  receivedDirectories,
  walkIndexes,
} from "./gc/mod.ts";

/** Everything that builds need of one machine. */
export interface Worker<C extends OpEnvironment> extends AsyncDisposable {
  /** State directory. */
  readonly root: string;
  /** Stays the same for as long as the state directory lives. */
  readonly id: string;
  readonly content: ContentStore;
  readonly refs: OpenedRefStore;
  readonly executor: Executor;
  readonly solver: Solver<Ref, C>;
  readonly ops: OpDeps<C>;
  /** What is kept across builds, and its removal. */
  readonly housekeeping: Housekeeping;
}

export interface WorkerOptions
  extends Pick<ExecutorOptions, "runtime" | "cgroupParent" | "platformsMaxAgeMs" | "network"> {
  /** State directory; one engine at a time. Made when missing. */
  readonly root: string;
  readonly spawner: Spawner;
  /** Where runtimes and emulators are looked for, as in the environment variable PATH. */
  readonly path: string;
  /** Log bytes kept per step and per second; undefined: 2 MiB and 200 KiB, -1: no limit. */
  readonly logLimits?: { readonly maxBytes?: number; readonly maxBytesPerSecond?: number };
  /** RUNs at once; undefined: twice the number of processors, at least 4. */
  readonly maxParallelism?: number;
  /** Rules of the garbage collection after builds; undefined: BuildKit's own for the size of the disk, none: it is off. */
  readonly gcPolicy?: readonly PruneRule[];
  /** What steps get instead of the machine's own resolvers. */
  readonly dns?: DnsSettings | undefined;
  /** Devices of the machine that steps can be given; undefined: none. */
  readonly devices?: DeviceRegistry | undefined;
}

/** Opens the state under `root`, and sweeps what an engine that died has left. */
export async function openWorker<C extends SourceEnvironment>(options: WorkerOptions): Promise<Worker<C>> {
  const { root, spawner } = options;
  await using undo = new AsyncDisposableStack();
  await makeDirectory(root, { mode: 0o711 });
  const reserve = new Reserve(root);
  await using _room = reserve.lend();
  await checkRoot(root);
  const now = () => new Date();
  const content = await openDirectoryStore(join(root, "content"));
  const bytes = undo.use(openByteWorkers());
  const refs = undo.use(await openRefStore({ root: join(root, "layers"), content, bytes }));
  const executor = undo.use(await openExecutor(options));
  const cache = undo.use(new SqliteCacheStore(join(root, "cache.db"), refs));
  const knownFiles = undo.use(new KnownFiles(join(root, "http.db"), now));
  const runRoot = join(root, "run");
  const cacheMountRoot = join(root, "cache-mounts");
  await sweep(runRoot);
  for (const directory of [runRoot, cacheMountRoot]) await makeDirectory(directory, { mode: 0o700 });
  const shelves = [cacheMounts, receivedDirectories, walkIndexes, gitRepositories];
  const kept = undo.use(await KeptDirectories.open({ root, shelves, bytes, now }));
  const contextUse = { received: kept.use(receivedDirectories), indexes: kept.use(walkIndexes) };
  const ops: OpDeps<C> = {
    refs,
    executor,
    devices: options.devices,
    bytes,
    sources: [
      imageSource(refs),
      localSource({ refs, bytes, root: join(root, "contexts"), use: contextUse }),
      ociLayoutSource(refs),
      gitSource({
        refs,
        bytes,
        repositories: new GitRepositories({
          root: join(root, gitRepositories.directory),
          use: kept.use(gitRepositories),
        }),
        spawner,
        root: join(root, "contexts", "received"),
        path: options.path,
        now,
      }),
      ...blobSources({ refs, root: join(root, "contexts", "received") }),
      ...httpSources({ refs, root: join(root, "contexts", "received"), known: knownFiles, now }),
    ],
    runRoot,
    cacheMountRoot,
    cacheMountUse: kept.use(cacheMounts),
    platform: currentPlatform(),
    fullDisk: () => fullDiskNow(root),
    now,
    ...(options.logLimits ? { logLimits: options.logLimits } : {}),
  };
  const solver = new Solver<Ref, C>({
    cache,
    pools: { exec: options.maxParallelism ?? Math.max(4, 2 * availableParallelism()) },
  });
  const housekeeping = undo.use(
    await Housekeeping.open({ root, reserve, refs, cache, kept, policy: options.gcPolicy, now }),
  );
  const owned = undo.move();
  return {
    root,
    id: await workerId(root),
    content,
    refs,
    executor,
    solver,
    ops,
    housekeeping,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** Mount points of an engine that died. Its mounts went with its mount namespace; where there was none they are taken away first. */
async function sweep(runRoot: string): Promise<void> {
  const mounts = (await readFile("/proc/self/mountinfo", "utf8")).split("\n").map((line) => line.split(" ")[4] ?? "");
  for (const target of mounts.filter((path) => path.startsWith(`${runRoot}/`)).reverse())
    unmount(target, { lazy: true });
  await rm(runRoot, { recursive: true, force: true });
}

async function workerId(root: string): Promise<string> {
  const file = join(root, "workerid");
  const known = await readFile(file, "utf8").catch(() => "");
  if (/^[a-z0-9]{25}$/.test(known.trim())) return known.trim();
  const id = BigInt(`0x${randomBytes(20).toString("hex")}`)
    .toString(36)
    .padStart(25, "0")
    .slice(-25);
  await writeFile(file, id, { mode: 0o600 });
  return id;
}

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { makeDirectorySync } from "../../base/files/mod.ts";
import type { Spawner } from "../../base/process/mod.ts";
import { selfTest } from "../../base/sys/mod.ts";
import { Bundles } from "./bundle/mod.ts";
import { type Cgroups, openCgroups } from "./cgroups/mod.ts";
import { Emulators } from "./emulators/mod.ts";
import type { Executor } from "./executor.ts";
import { type DnsSettings, NetworkFiles } from "./network-files.ts";
import { type NetworkSettings, openNetworks } from "./networks/mod.ts";
import { RuntimeExecutor } from "./runtime-executor.ts";
import { chosenRuntime, ConversationDirectory, findRuntimes, type Runtime, RuntimeRunner } from "./runtime/mod.ts";

/** What an executor needs from its engine. */
export interface ExecutorOptions {
  /** The engine's state directory; the executor uses `executor` below it. One executor at a time. */
  readonly root: string;
  readonly spawner: Spawner;
  /** Where runtimes and emulators are looked for, as in the environment variable PATH. */
  readonly path: string;
  /** Which runtimes may be used; both when undefined. */
  readonly runtimes?: readonly ("crun" | "runc")[];
  /** The one program to start containers with, a name or a path; otherwise what is found. */
  readonly runtime?: string | undefined;
  /** The cgroup that containers' cgroups are made in where a process names none. */
  readonly cgroupParent?: string | undefined;
  /** For how long it is remembered which platforms can run here; negative: for ever; undefined: 20 s. */
  readonly platformsMaxAgeMs?: number | undefined;
  /** Whether emulators that are registered with the machine may be used; `true` when undefined. Otherwise only our own registrations are. */
  readonly machineEmulators?: boolean;
  /** What processes get instead of the machine's own resolvers. */
  readonly dns?: DnsSettings | undefined;
  /** Networks of processes; undefined: they share the engine's. */
  readonly network?: NetworkSettings | undefined;
}

/**
 * Opens the executor of an engine and takes away what an earlier engine, killed, has left: containers, networks, cgroups, bundles.
 *
 * Must run in a mount namespace of its own (the launcher sees to it); without one it changes no mounts, and on machines with cgroups of
 * version 1 containers then share the engine's cgroup.
 */
export async function openExecutor(options: ExecutorOptions): Promise<Executor & AsyncDisposable> {
  selfTest();
  const { spawner, path } = options;
  const directory = join(options.root, "executor");
  makeDirectorySync(directory, { mode: 0o711 });
  await using undo = new AsyncDisposableStack();
  const runtimes = await runtimesOf(options);
  const cgroups = await openCgroups(directory, { everyTree: runtimes[0]?.name === "runc" });
  if (cgroups) undo.use(cgroups);
  const conversations = undo.use(new ConversationDirectory(join(directory, "conversations")));
  const state = { spawner, conversations, directory: join(directory, "state"), cgroups: cgroups !== undefined };
  const runners = runtimes.map((runtime) => new RuntimeRunner(runtime, state));
  const bundles = new Bundles(join(directory, "bundles"));
  await sweep(bundles, runners, cgroups);
  const emulators = undo.use(
    new Emulators({
      directory: join(directory, "emulators"),
      spawner,
      path,
      machineEmulators: options.machineEmulators ?? true,
      maxAgeMs: options.platformsMaxAgeMs,
    }),
  );
  const networks = undo.use(
    await openNetworks({
      settings: options.network,
      directory: join(directory, "networks"),
      runner: { spawner, path },
    }),
  );
  const networkFiles = new NetworkFiles(join(directory, "network"), { dns: options.dns });
  const executor = new RuntimeExecutor({
    runners,
    bundles,
    cgroups,
    cgroupParent: options.cgroupParent,
    emulators,
    networks,
    networkFiles,
  });
  const owned = undo.move();
  return Object.assign(executor, { [Symbol.asyncDispose]: () => owned.disposeAsync() });
}

/** The runtimes to use, best first. */
async function runtimesOf({ runtime, runtimes, path, spawner }: ExecutorOptions): Promise<readonly Runtime[]> {
  if (runtime !== undefined) return [await chosenRuntime(runtime, { path, spawner })];
  const found = findRuntimes(path);
  return runtimes ? found.filter(({ name }) => runtimes.includes(name)) : found;
}

/** Every bundle that is there at start belongs to a process whose engine is gone. */
async function sweep(bundles: Bundles, runners: readonly RuntimeRunner[], cgroups: Cgroups | undefined): Promise<void> {
  for (const id of bundles.list()) {
    for (const runner of runners) await runner.delete(id);
    const parent = join(bundles.path(id), "cgroup-parent");
    await cgroups?.open(id, existsSync(parent) ? readFileSync(parent, "utf8") : undefined).release();
    bundles.remove(id);
  }
}

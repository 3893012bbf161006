import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type Process, processes, processTree } from "./processes.ts";
import { type Finished, type RunOptions, run } from "./run.ts";

const repository = join(import.meta.dirname, "..", "..");

/** The client's launcher, as people start it. */
export const polyarchProgram = join(repository, "bin", "polyarch");

/** What an engine holds at one moment: its processes, and the mounts in its mount namespace. */
export interface Held {
  readonly processes: readonly string[];
  readonly mounts: readonly string[];
}

/** A client and, once it built something, an engine that share nothing with others on this machine. */
export interface LabPolyarch extends AsyncDisposable {
  /** The engine's state directory. */
  readonly root: string;
  readonly socket: string;
  /** The variables that make `bin/polyarch` use this engine, and an empty Docker configuration. */
  readonly env: Readonly<Record<string, string>>;
  /** The program and arguments of `polyarch` with `args`, for starting it in another way, with {@link env}. */
  commandLine(args: readonly string[]): readonly string[];
  /** Runs `polyarch` with these arguments to its end. */
  polyarch(args: readonly string[], options?: RunOptions): Promise<Finished>;
  /** Starts `polyarch` and returns at once; stdout and stderr are pipes. */
  start(args: readonly string[]): ChildProcess;
  /** The engine's process, when one runs. */
  engine(): Process | undefined;
  /** What the engine holds now, apart from what it held when first asked: of a build, nothing may stay. */
  held(): Promise<Held>;
  /** Waits until the engine holds nothing of any build, and fails with what is left when that takes too long. */
  settled(timeoutMs?: number): Promise<void>;
  /** Ends the engine without warning, as a crash would. */
  kill(): Promise<void>;
  /** Makes the engine one that has never built anything. */
  forget(): Promise<void>;
}

/** Makes directories for an engine of one's own. The engine itself is started by the client, as always. */
export async function openPolyarch(): Promise<LabPolyarch> {
  if (!existsSync(join(repository, "dist", "polyarch.cjs"))) throw new Error("dist/ is missing: run `npm run build`");
  const home = await mkdtemp(join(tmpdir(), "polyarch-e2e-"));
  const root = join(home, "root");
  const socket = join(home, "run", "polyarchd.sock");
  const env = {
    POLYARCH_ROOT: root,
    POLYARCH_SOCKET: socket,
    DOCKER_CONFIG: join(home, "docker"),
    BUILDX_CONFIG: join(home, "buildx"),
    BUILDX_BUILDER: "",
    NO_COLOR: "1",
  };
  await mkdir(dirname(socket), { recursive: true });
  await mkdir(env.DOCKER_CONFIG, { recursive: true });
  await writeFile(join(env.DOCKER_CONFIG, "config.json"), "{}");

  const engine = () => processes().find(({ command }) => /polyarchd\.cjs/.test(command) && command.includes(socket));
  let idle: Held | undefined;
  const held = async () => {
    const now = await holdings(engine()?.pid, root);
    idle ??= now;
    return { processes: without(now.processes, idle.processes), mounts: without(now.mounts, idle.mounts) };
  };
  const killAll = async () => {
    const victims = processTree(engine()?.pid ?? -1);
    for (const { pid } of victims) stop(pid);
    for (let tries = 0; tries < 1500 && engine() !== undefined; tries++) await sleep(20);
  };
  const kill = async () => {
    const pid = engine()?.pid;
    if (pid !== undefined) stop(pid);
    for (let tries = 0; tries < 1500 && engine() !== undefined; tries++) await sleep(20);
  };
  return {
    root,
    socket,
    env,
    commandLine: (args) => [polyarchProgram, ...args],
    engine,
    held,
    polyarch: (args, options) =>
      run(polyarchProgram, args, { timeoutMs: 300_000, ...options, env: { ...env, ...options?.env } }),
    start: (args) =>
      spawn(polyarchProgram, args, { env: { ...process.env, ...env }, stdio: ["ignore", "pipe", "pipe"] }),
    async settled(timeoutMs = 60_000) {
      for (const end = performance.now() + timeoutMs; ; ) {
        const left = await held();
        if (left.processes.length === 0 && left.mounts.length === 0) return;
        if (performance.now() > end) throw new Error(`left behind: ${JSON.stringify(left, undefined, 2)}`);
        await sleep(50);
      }
    },
    kill,
    forget: async () => {
      await kill();
      await rm(root, { recursive: true, force: true });
    },
    async [Symbol.asyncDispose]() {
      await killAll();
      await rm(home, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
    },
  };
}

async function holdings(pid: number | undefined, root: string): Promise<Held> {
  if (pid === undefined) return { processes: [], mounts: [] };
  const mounts = await readFile(`/proc/${pid}/mountinfo`, "utf8").catch(() => "");
  return {
    processes: processTree(pid).map(({ command }) => command),
    mounts: mounts
      .split("\n")
      .map((line) => line.split(" ")[4] ?? "")
      .filter((path) => path.startsWith(root)),
  };
}

function without(all: readonly string[], known: readonly string[]): string[] {
  const rest = [...known];
  return all.filter((item) => {
    const at = rest.indexOf(item);
    if (at >= 0) rest.splice(at, 1);
    return at < 0;
  });
}

function stop(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It has ended by itself.
  }
}

import assert from "node:assert/strict";
import {
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Spawner, startSpawner } from "../../../base/process/mod.ts";
import { bindMount, mountOverlay, unmount } from "../../../base/sys/mod.ts";
import { currentPlatform } from "../../../oci/mod.ts";
import {
  type Executor,
  type ExecutorOptions,
  type ExitStatus,
  openExecutor,
  type ProcessIO,
  type ProcessSpec,
} from "../mod.ts";
import { makeRoot } from "./busybox.ts";

/** How a process ended, what it printed, and what it changed in its root. */
export interface TestRun extends ExitStatus {
  readonly stdout: string;
  readonly stderr: string;
  /** Paths in the overlay's upper directory, sorted. */
  readonly changed: readonly string[];
}

/** What differs from a shell command as root in a sandbox. */
export type TestSpec = Partial<ProcessSpec> & {
  /** Streams besides the output that is gathered. */
  readonly io?: Pick<ProcessIO, "stdin" | "terminal" | "onStarted">;
  readonly signal?: AbortSignal;
  /** Told all standard output so far, whenever there is more. */
  readonly onOutput?: (text: string) => void;
};

/** An executor over a directory of its own, and a small root filesystem to run commands in. */
export class TestBed implements AsyncDisposable {
  readonly directory: string;
  readonly spawner: Spawner;
  readonly executor: Executor & AsyncDisposable;
  /** The root that every run starts from. */
  readonly lower: string;
  #runs = 0;

  static async open(busybox: string, options: Partial<ExecutorOptions> = {}): Promise<TestBed> {
    const directory = mkdtempSync(join(tmpdir(), "executor-"));
    const lower = join(directory, "lower");
    makeRoot(lower, busybox);
    writeFileSync(join(lower, "etc/passwd"), "root:x:0:0:root:/root:/bin/sh\nada:x:1000:100:Ada:/home/ada:/bin/sh\n");
    writeFileSync(join(lower, "etc/group"), "root:x:0:\nwheel:x:10:root,ada\nusers:x:100:\n");
    const spawner = await startSpawner();
    const root = join(directory, "engine");
    const executor = await openExecutor({ root, spawner, path: process.env["PATH"] ?? "", ...options });
    return new TestBed(directory, spawner, executor, lower);
  }

  private constructor(directory: string, spawner: Spawner, executor: Executor & AsyncDisposable, lower: string) {
    this.directory = directory;
    this.spawner = spawner;
    this.executor = executor;
    this.lower = lower;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.executor[Symbol.asyncDispose]();
    await this.spawner[Symbol.asyncDispose]();
    rmSync(this.directory, { recursive: true });
  }

  /** Runs a shell command, or a program with arguments, on a writable layer above {@link lower}. Checks that nothing is left of it. */
  async run(command: string | readonly string[], spec: TestSpec = {}): Promise<TestRun> {
    const base = join(this.directory, `run-${++this.#runs}`);
    const [upper, work, rootfs] = [join(base, "upper"), join(base, "work"), join(base, "root")];
    for (const name of [upper, work, rootfs]) mkdirSync(name, { recursive: true });
    mountOverlay({ lower: [this.lower], upper, work, target: rootfs });
    try {
      const result = await this.#run(command, rootfs, spec);
      return { ...result, changed: readdirSync(upper, { recursive: true, encoding: "utf8" }).toSorted() };
    } finally {
      unmount(rootfs);
      rmSync(base, { recursive: true, force: true });
    }
  }

  /** As {@link run}, in a directory as it is. */
  async runIn(
    rootfs: string,
    command: string | readonly string[],
    spec: TestSpec = {},
  ): Promise<ExitStatus & { stdout: string; stderr: string }> {
    bindMount(rootfs, rootfs);
    try {
      return await this.#run(command, rootfs, spec);
    } finally {
      unmount(rootfs);
    }
  }

  async #run(
    command: string | readonly string[],
    rootfs: string,
    spec: TestSpec,
  ): Promise<ExitStatus & { stdout: string; stderr: string }> {
    const { signal = new AbortController().signal, onOutput, io: more, ...rest } = spec;
    const id = `test-${process.pid}-${++this.#runs}`;
    let stdout = "";
    let stderr = "";
    const request: ProcessSpec = {
      id,
      rootfs,
      mounts: [],
      args: typeof command === "string" ? ["/bin/sh", "-c", command] : command,
      env: [],
      cwd: "/",
      user: "",
      platform: currentPlatform(),
      network: "sandbox",
      security: "sandbox",
      ...rest,
    };
    const io: ProcessIO = {
      ...more,
      stdout: (data: Uint8Array) => {
        stdout += Buffer.from(data).toString();
        onOutput?.(stdout);
      },
      stderr: (data: Uint8Array) => {
        stderr += Buffer.from(data).toString();
      },
    };
    try {
      return { ...(await this.executor.run(request, io, { signal })), stdout, stderr };
    } finally {
      this.#assertNothingLeft(id);
    }
  }

  #assertNothingLeft(id: string): void {
    const own = join(this.directory, "engine/executor");
    assert.deepEqual(globSync([join(own, "bundles", id), join(own, "state/*", id)]), [], "bundles and states");
    assert.deepEqual(globSync(`/sys/fs/cgroup/{*,.machine/*}/**/${id}`), [], "cgroups");
  }
}

/** Processes that run and have `text` as a word of their command line. */
export function processesWith(text: string): readonly string[] {
  return readdirSync("/proc").filter((pid) => {
    if (!/^\d+$/.test(pid) || !existsSync(`/proc/${pid}`)) return false;
    try {
      const words = readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
      return words.includes(text) && !/^State:\tZ/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
    } catch {
      return false; // ended meanwhile
    }
  });
}

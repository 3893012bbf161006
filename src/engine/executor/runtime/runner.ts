import { join } from "node:path";
import { type Captured, capture, type Spawner } from "../../../base/process/mod.ts";
import type { ContainerCgroup } from "../cgroups/mod.ts";
import type { ProcessIO } from "../executor.ts";
import { StderrFilter } from "./messages.ts";
import type { Runtime } from "./runtime.ts";

/** How a run ended: the exit code, and the reasons that the runtime gave if it could not start the process. */
export interface RuntimeOutcome {
  readonly code: number;
  readonly messages: readonly string[];
}

/** Puts itself into the cgroups named before `--`, then becomes the rest of its arguments. */
const joinScript = 'while [ "$1" != -- ]; do echo 0 > "$1" || exit 125; shift; done; shift; exec "$@"';

/** Shells report a death by signal so. */
const signalBase = 128;

/** Calls one runtime. Its state is under `<directory>/<name>`. */
export class RuntimeRunner {
  readonly #runtime: Runtime;
  readonly #spawner: Spawner;
  readonly #global: readonly string[];
  readonly #env = { PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" };

  constructor(runtime: Runtime, options: { spawner: Spawner; directory: string; cgroups: boolean }) {
    this.#runtime = runtime;
    this.#spawner = options.spawner;
    // Messages come as JSON lines on stderr, so that they can be told from the process's own output.
    const global = ["--root", join(options.directory, runtime.name), "--log-format=json"];
    // runc knows by the config whether there is a cgroup.
    this.#global =
      runtime.name === "crun" ? [...global, `--cgroup-manager=${options.cgroups ? "cgroupfs" : "disabled"}`] : global;
  }

  get name(): Runtime["name"] {
    return this.#runtime.name;
  }

  /** Whether the container's state and cgroup are still there when it has ended, so that {@link delete} must follow. */
  get keepsState(): boolean {
    return this.name === "runc";
  }

  /** Runs a bundle to its end. When `signal` aborts only the runtime itself has been killed: {@link delete} must follow. */
  async run(
    id: string,
    options: { bundle: string; cgroup: ContainerCgroup | undefined; io: ProcessIO; signal: AbortSignal },
  ): Promise<RuntimeOutcome> {
    const { bundle, cgroup, io, signal } = options;
    const run = [
      this.#runtime.path,
      ...this.#global,
      "run",
      ...(this.keepsState ? ["--keep"] : []),
      "--bundle",
      bundle,
      id,
    ];
    const [command = "", ...args] = cgroup?.join.length
      ? ["/bin/sh", "-c", joinScript, "sh", ...cgroup.join, "--", ...run]
      : run;
    const stderr = new StderrFilter((bytes) => io.stderr(bytes));
    const end = await this.#spawner.spawn(command, args, {
      env: this.#env,
      cwd: bundle,
      signal,
      onStdout: (bytes) => io.stdout(bytes),
      onStderr: (bytes) => stderr.push(bytes),
      ifOrphaned: { command: this.#runtime.path, args: this.#deletion(id) },
    });
    const messages = stderr.end();
    // A runtime that could not start the process ends with 1. Otherwise the lines were the process's own, however they looked.
    if (end.code !== 1) stderr.release();
    return { code: end.code ?? signalBase + 9, messages: end.code === 1 ? messages : [] };
  }

  /** Kills what is left of a container and takes its state away. Content when there is none. */
  async delete(id: string): Promise<Captured> {
    return await capture(this.#spawner, this.#runtime.path, this.#deletion(id), { env: this.#env });
  }

  #deletion(id: string): readonly string[] {
    return [...this.#global, "delete", "--force", id];
  }
}

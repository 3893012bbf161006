import { writeFileSync } from "node:fs";
import { constants } from "node:os";
import { join } from "node:path";
import { BuildError } from "../../../base/errors/mod.ts";
import { type Captured, capture, type Spawner, type SpawnOptions } from "../../../base/process/mod.ts";
import type { ContainerCgroup } from "../cgroups/mod.ts";
import type { ProcessIO } from "../executor.ts";
import { Conversation, type ConversationDirectory } from "./conversation.ts";
import { StderrFilter } from "./messages.ts";
import type { Runtime } from "./runtime.ts";

/** How a run ended: the exit code, and the reasons that the runtime gave if it could not start the process. */
export interface RuntimeOutcome {
  readonly code: number;
  readonly messages: readonly string[];
}

/** What both ways of starting a process want to know. */
interface StartOptions {
  readonly bundle: string;
  readonly cgroup: ContainerCgroup | undefined;
  readonly io: ProcessIO;
  readonly signal: AbortSignal;
  /** Told when the process can be spoken to; only asked for where somebody wants that. */
  readonly onStarted?: ((conversation: Conversation) => void) | undefined;
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
  readonly #conversations: ConversationDirectory;
  readonly #env = { PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" };

  constructor(
    runtime: Runtime,
    options: { spawner: Spawner; directory: string; cgroups: boolean; conversations: ConversationDirectory },
  ) {
    this.#runtime = runtime;
    this.#conversations = options.conversations;
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
  async run(id: string, options: StartOptions): Promise<RuntimeOutcome> {
    const { io, onStarted, signal } = options;
    const run = ["run", ...(this.keepsState ? ["--keep"] : []), "--bundle", options.bundle];
    await using conversation = onStarted || io.terminal ? await this.#converse(io) : undefined;
    const ifOrphaned = { command: this.#runtime.path, args: this.#deletion(id) };
    return await this.#start([...run, ...(conversation?.flags ?? []), id], conversation, {
      ...options,
      spawning: { signal, ifOrphaned },
      failureCodes: [1],
    });
  }

  /** Runs one more process in a container that runs. When `signal` aborts that process is killed. */
  async exec(id: string, process: object, options: StartOptions): Promise<RuntimeOutcome> {
    const { io, signal } = options;
    await using conversation = await this.#converse(io);
    writeFileSync(conversation.processFile, JSON.stringify(process), { mode: 0o600 });
    const exec = ["exec", "--process", conversation.processFile, ...conversation.flags, id];
    // Killing the runtime would leave the process alone with itself.
    const onAbort = () => void conversation.signal(constants.signals.SIGKILL);
    signal.addEventListener("abort", onAbort, { once: true });
    try {
      signal.throwIfAborted();
      const outcome = await this.#start(exec, conversation, { ...options, spawning: {}, failureCodes: [1, 255] });
      signal.throwIfAborted();
      return outcome;
    } finally {
      signal.removeEventListener("abort", onAbort);
    }
  }

  async #converse(io: ProcessIO): Promise<Conversation> {
    if (io.terminal && this.name === "runc") {
      throw new BuildError(
        "failed_precondition",
        "a terminal needs the runtime crun, and this engine has only runc: install crun, or run without a terminal",
      );
    }
    return await Conversation.open(this.#conversations, io);
  }

  async #start(
    words: readonly string[],
    conversation: Conversation | undefined,
    options: StartOptions & {
      readonly spawning: Pick<SpawnOptions, "signal" | "ifOrphaned">;
      /** How the runtime ends when it could not start the process. */
      readonly failureCodes: readonly number[];
    },
  ): Promise<RuntimeOutcome> {
    const { bundle, cgroup, io, onStarted, spawning, failureCodes } = options;
    const run = [this.#runtime.path, ...this.#global, ...words];
    const [command = "", ...args] = cgroup?.join.length
      ? ["/bin/sh", "-c", joinScript, "sh", ...cgroup.join, "--", ...run]
      : run;
    let passed = Promise.resolve();
    const stderr = new StderrFilter((bytes) => {
      passed = Promise.resolve(io.stderr(bytes));
    });
    const end = await this.#spawner.spawn(command, args, {
      ...spawning,
      env: this.#env,
      cwd: bundle,
      // A terminal brings its own input.
      ...(io.stdin && !io.terminal ? { stdin: io.stdin } : {}),
      onStdout: (bytes) => io.stdout(bytes),
      onStderr: (bytes) => {
        stderr.push(bytes);
        return passed;
      },
      onStarted: () => {
        if (conversation) onStarted?.(conversation);
      },
    });
    await conversation?.end();
    const messages = stderr.end();
    // Otherwise the lines were the process's own, however they looked.
    const code = end.code ?? signalBase + constants.signals.SIGKILL;
    const failed = failureCodes.includes(code);
    if (!failed) stderr.release();
    await passed;
    return { code, messages: failed ? messages : [] };
  }

  /** Kills what is left of a container and takes its state away. Content when there is none. */
  async delete(id: string): Promise<Captured> {
    return await capture(this.#spawner, this.#runtime.path, this.#deletion(id), { env: this.#env });
  }

  #deletion(id: string): readonly string[] {
    return [...this.#global, "delete", "--force", id];
  }
}

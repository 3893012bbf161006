import { readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { geteuid } from "node:process";
import { BuildError } from "../../base/errors/mod.ts";
import { isSystemError } from "../../base/sys/mod.ts";
import {
  Bundles,
  capabilitiesOf,
  type ConfigInputs,
  configMounts,
  deviceConfig,
  processConfig,
  runtimeConfig,
  runtimeLimits,
  type RuntimeMount,
  withDeviceVariables,
} from "./bundle/mod.ts";
import { cannotLimit, type Cgroups, type ContainerCgroup } from "./cgroups/mod.ts";
import type { Emulators, RunPlan } from "./emulators/mod.ts";
import type {
  ContainedProcess,
  Executor,
  ExitStatus,
  ProcessIO,
  ProcessSpec,
  RunnablePlatform,
  RunningProcess,
} from "./executor.ts";
import type { NetworkFiles } from "./network-files.ts";
import type { Networks } from "./networks/mod.ts";
import { hintFor, Tail, whyNot } from "./program/mod.ts";
import { findUser, type Missing, MountPoints, type ProcessUser, RootDirectory } from "./rootfs/mod.ts";
import {
  type Conversation,
  explainFailure,
  type RuntimeOutcome,
  type RuntimeRunner,
  type StartFailure,
} from "./runtime/mod.ts";
import { defaultFilter } from "./seccomp/mod.ts";

/** What a {@link RuntimeExecutor} is made of. It does not own any of it. */
export interface RuntimeExecutorParts {
  /** Best first. */
  readonly runners: readonly RuntimeRunner[];
  readonly bundles: Bundles;
  readonly cgroups: Cgroups | undefined;
  /** For processes that name none. */
  readonly cgroupParent: string | undefined;
  readonly emulators: Emulators;
  readonly networks: Networks;
  readonly networkFiles: NetworkFiles;
}

const idPattern = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,127}$/;
/** Larger files of users and groups are not read. */
const maxAccountsBytes = 4 << 20;

/** Where a process runs: on what, and in which network (`undefined`: the engine's, or none). */
interface Place {
  readonly plan: RunPlan;
  readonly namespace: string | undefined;
}

/** How one attempt ended; `failure` when the command could not be started. */
interface Attempt extends ExitStatus {
  readonly failure?: StartFailure;
}

/** Runs processes with an OCI runtime. */
export class RuntimeExecutor implements Executor {
  readonly #parts: RuntimeExecutorParts;
  readonly #seccomp = defaultFilter(process.arch);
  readonly #capabilities: readonly string[];
  readonly #maxOpenFiles: number;
  /** The runtimes that have not refused to work here. */
  #runners: readonly RuntimeRunner[];

  constructor(parts: RuntimeExecutorParts) {
    this.#parts = parts;
    this.#runners = parts.runners;
    this.#capabilities = capabilitiesOf(
      /^CapEff:\s*(\S+)$/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1] ?? "0",
    );
    this.#maxOpenFiles = Number(
      /^Max open files\s+\d+\s+(\d+)/m.exec(readFileSync("/proc/self/limits", "utf8"))?.[1] ?? 1024,
    );
  }

  get networkMode(): "host" | "cni" {
    return this.#parts.networks.mode;
  }

  platforms(): Promise<readonly RunnablePlatform[]> {
    return this.#parts.emulators.platforms();
  }

  async run(spec: ProcessSpec, io: ProcessIO, options: { signal: AbortSignal }): Promise<ExitStatus> {
    const { signal } = options;
    const process = { ...spec, env: withDeviceVariables(spec.env, spec.deviceEdits) };
    const { emulators, networks } = this.#parts;
    check(process);
    signal.throwIfAborted();
    let plan = await emulators.plan(process.platform);
    const { hostname } = process;
    await using network = process.network === "sandbox" ? await networks.take({ hostname }, { signal }) : undefined;
    const namespace = network?.namespace;
    const tail = new Tail();
    const heard = hearing(io, tail);
    for (;;) {
      signal.throwIfAborted();
      const { failure, ...status } = await this.#attempt(process, { plan, namespace }, heard, signal);
      // What has been typed for the process is gone with it.
      const again = failure?.type === "command" && failure.reason === "format" && io.stdin === undefined;
      if (again && plan.how === "binfmt") {
        // The machine's registrations have changed since we looked. Nothing has run, so another way may be tried.
        emulators.forget();
        const { how } = plan;
        plan = await emulators.plan(process.platform);
        if (plan.how !== how) continue;
      }
      if (failure) await tell(failure, process, process, io);
      else if (status.code !== 0) await hint(process, { code: status.code, said: tail.text, plan }, io);
      return status;
    }
  }

  /** Prepares the root, runs the process once, and takes everything away again. */
  async #attempt(process: ProcessSpec, place: Place, io: ProcessIO, signal: AbortSignal): Promise<Attempt> {
    using root = new RootDirectory(process.rootfs);
    const inputs = this.#inputs(process, place, root, io.terminal ?? false);
    makeWorkingDirectory(root, process);
    using stubs = new DisposableStack();
    const mountPoints = stubs.adopt(new MountPoints(root), (points) => points.remove());
    try {
      mountPoints.make(configMounts(inputs).map((mount) => missing(mount, process)));
    } catch (error) {
      // A root that is read-only altogether must bring its mount points along; the runtime says which one is missing.
      if (!isSystemError(error, "EROFS")) throw error;
    }
    return await this.#runIn(process, inputs, io, signal);
  }

  #inputs(process: ProcessSpec, place: Place, root: RootDirectory, terminal: boolean): ConfigInputs {
    const { plan, namespace } = place;
    const sharesNetwork = process.network === "host" || (process.network === "sandbox" && namespace === undefined);
    const user = userIn(root, process.user);
    return {
      process,
      terminal,
      user,
      deviceConfig: deviceConfig(process.deviceEdits, { user, showNodes: plan.userNamespace !== undefined }),
      limits: runtimeLimits(process.ulimits, this.#maxOpenFiles),
      ...this.#parts.networkFiles.for(process, { sharesNetwork }),
      seccomp: this.#seccomp,
      allCapabilities: this.#capabilities,
      cgroupsPath: undefined,
      resources: undefined,
      guardsDevices: this.#parts.cgroups?.guardsDevices ?? false,
      userNamespace: plan.userNamespace,
      networkNamespace: namespace,
    };
  }

  async #runIn(process: ProcessSpec, inputs: ConfigInputs, io: ProcessIO, signal: AbortSignal): Promise<Attempt> {
    const { bundles, cgroups } = this.#parts;
    if (process.resources && !cgroups) throw cannotLimit("it has no cgroups that the engine may write to");
    await using undo = new AsyncDisposableStack();
    const cgroupParent = process.cgroupParent || this.#parts.cgroupParent;
    const bundle = bundles.create(process.id, { cgroupParent });
    undo.defer(() => bundles.remove(process.id));
    const cgroup = cgroups?.open(process.id, cgroupParent, process.resources);
    if (cgroup) undo.defer(() => cgroup.release());
    const complete: ConfigInputs = {
      ...inputs,
      cgroupsPath: cgroup?.runtimePath,
      resources: cgroup?.runtimeLimits,
    };
    const { outcome, runner } = await this.#runWith(process, complete, { bundle, cgroup, io, signal });
    if (runner.keepsState) undo.defer(() => runner.delete(process.id).then(() => undefined));
    return attemptOf(outcome, process, cgroup);
  }

  /** Runs one more process where `container` runs. */
  async #exec(
    process: ContainedProcess,
    container: {
      readonly process: ProcessSpec;
      readonly inputs: ConfigInputs;
      readonly runner: RuntimeRunner;
      readonly bundle: string;
      readonly cgroup: ContainerCgroup | undefined;
    },
    io: ProcessIO,
    { signal }: { signal: AbortSignal },
  ): Promise<ExitStatus> {
    checkProcess(process);
    signal.throwIfAborted();
    const { runner, bundle, cgroup, inputs } = container;
    using root = new RootDirectory(container.process.rootfs);
    makeWorkingDirectory(root, { ...container.process, cwd: process.cwd });
    const config = processConfig(
      { ...inputs, process, user: userIn(root, process.user) },
      { terminal: io.terminal ?? false },
    );
    const onStarted = (conversation: Conversation) =>
      io.onStarted?.(running(conversation, (next, nextIo, options) => this.#exec(next, container, nextIo, options)));
    const outcome = await runner.exec(container.process.id, config, { bundle, cgroup, io, signal, onStarted });
    const { failure, ...status } = attemptOf(outcome, process, cgroup);
    if (failure) await tell(failure, process, container.process, io);
    return status;
  }

  /** Runs the bundle with the best runtime that works here. */
  async #runWith(
    process: ProcessSpec,
    inputs: ConfigInputs,
    options: { bundle: string; cgroup: ContainerCgroup | undefined; io: ProcessIO; signal: AbortSignal },
  ): Promise<{ outcome: RuntimeOutcome; runner: RuntimeRunner }> {
    writeFileSync(join(options.bundle, "config.json"), JSON.stringify(runtimeConfig(inputs)));
    for (;;) {
      const [runner, ...others] = this.#runners;
      if (!runner) {
        throw new BuildError(
          "failed_precondition",
          "cannot run processes: no container runtime found; install crun (or runc)",
        );
      }
      let outcome: RuntimeOutcome;
      const { bundle, cgroup, io } = options;
      const onStarted = (conversation: Conversation) => {
        const exec: RunningProcess["exec"] = async (next, nextIo, nextOptions) => {
          await conversation.pid(); // a container that is not there yet cannot be joined
          return await this.#exec(next, { process, inputs, runner, bundle, cgroup }, nextIo, nextOptions);
        };
        io.onStarted?.(running(conversation, exec));
      };
      try {
        outcome = await runner.run(process.id, { ...options, onStarted: io.onStarted && onStarted });
      } catch (error) {
        await runner.delete(process.id);
        throw error;
      }
      const refused = explainFailure(outcome.messages, "")?.type === "refusal";
      if (!refused || others.length === 0) return { outcome, runner };
      this.#runners = others;
    }
  }
}

/** The same streams, of which `tail` hears what the process says. */
function hearing(io: ProcessIO, tail: Tail): ProcessIO {
  const { stdin, terminal, onStarted } = io;
  return {
    stdout: (data) => {
      if (terminal) tail.push(data);
      return io.stdout(data);
    },
    stderr: (data) => {
      tail.push(data);
      return io.stderr(data);
    },
    ...(stdin && { stdin }),
    ...(terminal !== undefined && { terminal }),
    ...(onStarted && { onStarted: (process: RunningProcess) => onStarted.call(io, process) }),
  };
}

/** Adds to what a process has said that has failed, where more can be known than it says. */
async function hint(
  process: ProcessSpec,
  { code, said, plan }: { readonly code: number; readonly said: string; readonly plan: RunPlan },
  io: ProcessIO,
): Promise<void> {
  const text = hintIn(process, { code, said, isEmulated: plan.how !== "native" });
  if (text !== undefined) await io.stderr(Buffer.from(`hint: ${text}\n`));
}

/** Says on the process's own standard error why it could not be started. */
async function tell(
  failure: StartFailure,
  process: ContainedProcess,
  container: Pick<ProcessSpec, "rootfs" | "platform">,
  io: ProcessIO,
): Promise<void> {
  const why = failure.type === "command" && failure.reason !== "forbidden" ? lookAt(process, container) : undefined;
  await io.stderr(Buffer.from(`${failure.text}${why === undefined ? "" : `: ${why}`}\n`));
}

/** Holds on to the root for no longer than it looks, like {@link lookAt}. */
function hintIn(
  process: ProcessSpec,
  failed: { readonly code: number; readonly said: string; readonly isEmulated: boolean },
): string | undefined {
  using root = new RootDirectory(process.rootfs);
  return hintFor(root, { process, platform: process.platform, ...failed });
}

/** Holds on to the root for no longer than it looks: whoever mounted it may want to unmount it. */
function lookAt(
  process: ContainedProcess,
  { rootfs, platform }: Pick<ProcessSpec, "rootfs" | "platform">,
): string | undefined {
  using root = new RootDirectory(rootfs);
  return whyNot(root, process, platform);
}

function check(process: ProcessSpec): void {
  if (geteuid?.() !== 0)
    throw new BuildError("failed_precondition", "running a process needs an engine that runs as root");
  if (!idPattern.test(process.id)) throw new Error(`Internal error: "${process.id}" cannot name a container`);
  checkProcess(process);
}

function checkProcess(process: ContainedProcess): void {
  if (process.args.length === 0) throw new BuildError("invalid_argument", "no command to run");
  if (!process.cwd.startsWith("/"))
    throw new BuildError("invalid_argument", `working directory "${process.cwd}" is not absolute`);
  // The value of a variable may be a secret.
  const names = process.env.map((variable) => (variable.includes("\0") ? variable.replace(/=.*/s, "=…\0") : ""));
  const nul = [...process.args, ...names, process.cwd].find((text) => text.includes("\0"));
  if (nul !== undefined)
    throw new BuildError("invalid_argument", `NUL byte in an argument or in the environment: ${JSON.stringify(nul)}`);
}

function running(conversation: Conversation, exec: RunningProcess["exec"]): RunningProcess {
  return {
    signal: (number) => conversation.signal(number),
    resize: (size) => conversation.resize(size),
    exec,
  };
}

function attemptOf(outcome: RuntimeOutcome, process: ContainedProcess, cgroup: ContainerCgroup | undefined): Attempt {
  const oomKilled = (cgroup?.oomKills() ?? 0) > 0;
  const failure = explainFailure(outcome.messages, process.args[0] ?? "");
  if (!failure) return { code: outcome.code, oomKilled };
  if (failure.type !== "command") {
    throw new BuildError("internal", `cannot start process in container: ${failure.text}`);
  }
  return { code: failure.code, oomKilled, failure };
}

function userIn(root: RootDirectory, user: string): ProcessUser {
  const readText = (path: string) => root.readText(path, { maxBytes: maxAccountsBytes });
  return findUser(user, { passwd: readText("/etc/passwd"), group: readText("/etc/group") });
}

/** Made with the process's root, and kept: a working directory is part of the result. One below a mount is the runtime's to make. */
function makeWorkingDirectory(root: RootDirectory, process: ProcessSpec): void {
  const covered = process.mounts.some(
    ({ target }) => process.cwd === target || process.cwd.startsWith(`${target.replace(/\/+$/, "")}/`),
  );
  if (covered || process.readonlyRootfs) return;
  root.make({ path: process.cwd, kind: "directory" });
}

function missing(mount: RuntimeMount, { mounts, keepsMountParents = false }: ProcessSpec): Missing {
  const isFile = mount.type === "bind" && statSync(mount.source, { throwIfNoEntry: false })?.isDirectory() === false;
  const keepsParents = keepsMountParents && mounts.some(({ target }) => target === mount.destination);
  return { path: mount.destination, kind: isFile ? "file" : "directory", keepsParents };
}

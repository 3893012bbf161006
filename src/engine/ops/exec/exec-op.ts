import { randomBytes } from "node:crypto";
import { join } from "node:path";
import type { pb } from "../../../api/mod.ts";
import { BuildError } from "../../../base/errors/mod.ts";
import type { Digest, Platform } from "../../../oci/mod.ts";
import type { ExecMount, ResourceLimits } from "../../executor/mod.ts";
import type { MutableRef, Ref } from "../../refs/mod.ts";
import { FailedRun, type Op, type OpContext } from "../../solver/mod.ts";
import type { OpDeps } from "../deps.ts";
import type { OpEnvironment } from "../environment.ts";
import { followPath } from "../file/tree-path.ts";
import { layerProgress } from "../layer-progress.ts";
import { CacheMounts } from "./cache-mounts.ts";
import { execCacheMap } from "./exec-cache-map.ts";
import { planDevices } from "./devices.ts";
import { exitError, isSuccess, startError } from "./failure.ts";
import { limitLog } from "./log-limit.ts";
import { type MountPlan, type MountsPlan, planMounts, type TreeMount } from "./mount-plan.ts";
import { planProcess } from "./process.ts";
import { sshAgentOf } from "./ssh-agent.ts";
import { traceReport } from "./trace-report.ts";
import { Workspace } from "./workspace.ts";

/** What an exec op is made of besides its message. */
export interface ExecOptions {
  /** Digest of the step. */
  readonly vertex: Digest;
  readonly inputs: number;
  readonly platform: Platform;
  readonly description: string;
  /** The step is to be done from nothing: its caches start empty. */
  readonly ignoreCache: boolean;
  readonly resources?: ResourceLimits | undefined;
}

/** Runs a process in a tree; what it leaves in its writable mounts are the results. Runs in the pool `exec`. */
export function execOp<C extends OpEnvironment>(op: pb.ExecOp, options: ExecOptions, deps: OpDeps<C>): Op<Ref, C> {
  const mounts = planMounts(op);
  return {
    pool: "exec",
    cacheMap: async ({ environment }) => {
      // What is not allowed is not answered from the cache either.
      planProcess(op, options.platform, environment);
      await planDevices(op, environment, deps.devices);
      return execCacheMap(op, options.inputs, options.platform);
    },
    run: async (inputs, context) => {
      const workspace = await Workspace.open(deps.runRoot);
      const run = new ExecRun(op, mounts, options, deps, inputs, context, workspace);
      try {
        return { results: await run.run() };
      } catch (error) {
        throw await run.failed(error);
      } finally {
        await workspace[Symbol.asyncDispose]();
      }
    },
  };
}

/** A writable tree. */
interface Written {
  /** Which mount of the op it is. */
  readonly place: number;
  /** Which result it becomes; `undefined`: none. */
  readonly output: number | undefined;
  readonly mutable: MutableRef;
  readonly close: () => void;
}

/** One run of an exec op. */
class ExecRun<C extends OpEnvironment> {
  readonly #op: pb.ExecOp;
  readonly #mounts: MountsPlan;
  readonly #options: ExecOptions;
  readonly #deps: OpDeps<C>;
  readonly #inputs: readonly Ref[];
  readonly #context: OpContext<C>;
  readonly #workspace: Workspace;
  readonly #written: Written[] = [];
  /** Results that are inputs as they were. */
  readonly #kept = new Map<number, Ref>();

  constructor(
    op: pb.ExecOp,
    mounts: MountsPlan,
    options: ExecOptions,
    deps: OpDeps<C>,
    inputs: readonly Ref[],
    context: OpContext<C>,
    workspace: Workspace,
  ) {
    this.#op = op;
    this.#mounts = mounts;
    this.#options = options;
    this.#deps = deps;
    this.#inputs = inputs;
    this.#context = context;
    this.#workspace = workspace;
  }

  async run(): Promise<readonly Ref[]> {
    const { environment, progress, signal } = this.#context;
    const { executor, now, logLimits = {} } = this.#deps;
    const plan = planProcess(this.#op, this.#options.platform, environment);
    const deviceEdits = await planDevices(this.#op, environment, this.#deps.devices);
    const ownEnv = [...plan.env, ...(await this.#secretEnvironment())];
    const report = traceReport(environment.trace?.(this.#options.vertex), ownEnv);
    const env = [...ownEnv, ...report.env];
    const rootfs = await this.#root(this.#mounts.root);
    const mounts: ExecMount[] = [];
    for (const mount of this.#mounts.others) mounts.push(...(await this.#mount(mount)));
    mounts.push(...report.mounts);
    const id = BigInt(`0x${randomBytes(16).toString("hex")}`)
      .toString(36)
      .padStart(25, "0");
    const readonlyRootfs = this.#mounts.root.readonly;
    const { resources } = this.#options;
    const running = executor.run(
      {
        ...plan,
        env,
        id,
        rootfs,
        mounts,
        ...(readonlyRootfs && { readonlyRootfs }),
        ...(resources && { resources }),
        ...(deviceEdits && { deviceEdits }),
      },
      {
        stdout: limitLog((data) => progress.log(1, data), logLimits, now),
        stderr: limitLog((data) => progress.log(2, data), logLimits, now),
      },
      { signal },
    );
    const status = await running.catch((error: unknown) => {
      throw signal.aborted ? error : startError(plan.args, error);
    });
    if (!isSuccess(status, this.#op.meta?.validExitCodes ?? [])) {
      const full = await this.#deps.fullDisk?.();
      throw exitError(plan.args, status, full);
    }
    return await this.#commit();
  }

  /**
   * The error of a run, with the trees that its mounts began and ended with, for as long as somebody holds them. A run that was called off leaves
   * nothing, nor does one that may have filled the disk.
   */
  async failed(error: unknown): Promise<unknown> {
    const { signal } = this.#context;
    if (signal.aborted || (await this.#deps.fullDisk?.())) return error;
    const inputs = this.#op.mounts.map(({ input }) => this.#inputs[Number(input)]?.clone());
    const mounts = [...inputs];
    for (const { place, mutable, close } of this.#written) {
      close(); // a tree that is mounted may still change
      try {
        const { description } = this.#options;
        mounts[place] = await mutable.commit({ signal, description, untilReleased: true });
      } catch {
        // What cannot be kept (the disk may be full) must not hide what went wrong.
      }
    }
    return new FailedRun<Ref>(error, { inputs, mounts });
  }

  /** The process always gets a root that mount points can be made in; only what an output asks for is kept. */
  async #root(mount: TreeMount): Promise<string> {
    if (mount.readonly && mount.output !== undefined) this.#keep(mount.output, mount.input);
    return await this.#writable(mount, mount.readonly ? undefined : mount.output);
  }

  async #mount(mount: MountPlan): Promise<readonly ExecMount[]> {
    const { signal } = this.#context;
    const { target } = mount;
    switch (mount.type) {
      case "tmpfs":
        return [{ type: "tmpfs", target, ...(mount.sizeBytes !== undefined && { sizeBytes: mount.sizeBytes }) }];
      case "secret": {
        const data = await this.#secret(mount.id, mount.optional);
        if (!data) return [];
        const source = await this.#workspace.secretFile(data, mount);
        return [{ type: "bind", source, target, readonly: true }];
      }
      case "ssh": {
        const agent = await sshAgentOf(this.#context.environment, mount, signal);
        if (!agent) return [];
        const source = await this.#workspace.agentSocket(agent, mount);
        return [{ type: "bind", source, target, readonly: true }];
      }
      case "tree": {
        if (mount.readonly && mount.output !== undefined) this.#keep(mount.output, mount.input);
        const path = mount.readonly
          ? await this.#workspace.mountReadonly(this.#input(mount.input), { signal })
          : await this.#writable(mount, mount.output);
        return [{ type: "bind", source: await this.#inside(path, mount), target, readonly: mount.readonly }];
      }
      case "cache": {
        if (mount.output !== undefined) this.#keep(mount.output, mount.input);
        const path = await this.#cache(mount);
        return [{ type: "bind", source: await this.#inside(path, mount), target, readonly: mount.readonly }];
      }
    }
  }

  async #writable({ input, place }: TreeMount, output: number | undefined): Promise<string> {
    const { signal, progress } = this.#context;
    const parent = this.#input(input);
    await parent.lowerDirs({ signal, progress: layerProgress(progress, this.#deps.now) });
    const mutable = await this.#deps.refs.mutable(parent, { signal, description: this.#options.description });
    this.#workspace.defer(() => mutable.discard());
    const { path, close } = await this.#workspace.mountMutable(mutable);
    this.#written.push({ place, output, mutable, close });
    return path;
  }

  async #cache(mount: Extract<MountPlan, { type: "cache" }>): Promise<string> {
    const { signal } = this.#context;
    const seed = mount.input === undefined ? undefined : this.#input(mount.input);
    const name = `${mount.id}:${seed?.id ?? ""}`;
    const lower = (await seed?.lowerDirs({ signal })) ?? [];
    const { ignoreCache: empty } = this.#options;
    const request = { name, sharing: mount.sharing, empty, seed: lower };
    const cache = await cacheMountsOf(this.#deps).acquire(request, { signal });
    this.#workspace.defer(() => cache[Symbol.dispose]());
    return cache.path;
  }

  /** What the selector of a mount means in the tree mounted at `path`; links stay inside that tree. */
  async #inside(
    path: string,
    mount: { readonly input: number | undefined; readonly selector: string },
  ): Promise<string> {
    if (mount.selector === "") return path;
    const { signal } = this.#context;
    const tree = await this.#input(mount.input).tree({ signal });
    const selected = followPath(tree, mount.selector);
    if (!tree.get(selected)) {
      throw new BuildError(
        "not_found",
        `cannot mount ${JSON.stringify(`/${mount.selector}`)}: no such file or directory`,
      );
    }
    return join(path, selected);
  }

  #input(index: number | undefined): Ref {
    if (index === undefined) {
      const ref = this.#deps.refs.scratch();
      this.#workspace.defer(() => ref.release());
      return ref;
    }
    const ref = this.#inputs[index];
    if (!ref) throw new BuildError("invalid_argument", `invalid exec mount input index ${index}`);
    return ref;
  }

  #keep(output: number, input: number | undefined): void {
    this.#kept.set(output, this.#input(input));
  }

  async #secretEnvironment(): Promise<readonly string[]> {
    const entries: string[] = [];
    for (const { ID, name, optional } of this.#op.secretenv) {
      const data = await this.#secret(ID, optional);
      entries.push(`${name}=${data ? new TextDecoder().decode(data) : ""}`);
    }
    return entries;
  }

  async #secret(id: string, optional: boolean): Promise<Uint8Array | undefined> {
    const { environment, signal } = this.#context;
    const data = await environment.secret?.(id, { signal });
    if (!data && !optional) throw new BuildError("not_found", `secret ${id}: not found`);
    return data;
  }

  async #commit(): Promise<readonly Ref[]> {
    const { signal } = this.#context;
    const { description } = this.#options;
    const results: Ref[] = [];
    try {
      for (let output = 0; output < this.#mounts.outputs; output++) {
        const written = this.#written.find((candidate) => candidate.output === output);
        written?.close(); // a tree that is mounted may still change
        const ref = await (written?.mutable.commit({ signal, description }) ?? this.#kept.get(output)?.clone());
        if (!ref) throw new Error(`Internal error: nothing was mounted for output ${output}`);
        results.push(ref);
      }
      return results;
    } catch (error) {
      await Promise.all(results.map((ref) => ref.release()));
      throw error;
    }
  }
}

const cacheMounts = new WeakMap<object, CacheMounts>();

/** The cache directories of one engine: all its steps must know of each other. */
export function cacheMountsOf(deps: Pick<OpDeps, "cacheMountRoot" | "cacheMountUse">): CacheMounts {
  const known = cacheMounts.get(deps) ?? new CacheMounts(deps.cacheMountRoot, deps.cacheMountUse);
  cacheMounts.set(deps, known);
  return known;
}

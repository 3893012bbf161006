import { join } from "node:path";
import { create } from "../../../../base/protobuf/mod.ts";
import { type gateway, pb } from "../../../../api/mod.ts";
import { BuildError, messageOf, unreachable } from "../../../../base/errors/mod.ts";
import { cleanPath } from "../../../../base/text/paths/mod.ts";
import { digestOf } from "../../../../oci/mod.ts";
import type { ExecMount } from "../../../executor/mod.ts";
import {
  cacheMountsOf,
  followPath,
  layerProgress,
  type MountPlan,
  type OpEnvironment,
  planAnyMounts,
  sshAgentOf,
  type TreeMount,
  Workspace,
} from "../../../ops/mod.ts";
import type { LayerProgress, Ref } from "../../../refs/mod.ts";
import type { VertexHandle } from "../../../solver/mod.ts";
import type { Build } from "../../build.ts";
import type { LazyResult } from "../../lazy-result.ts";

/** What {@link ContainerMounts.open} works with. */
export interface MountOptions {
  readonly build: Build;
  /** Results by the ids that the client knows them by. */
  readonly find: (id: string) => LazyResult;
  readonly signal: AbortSignal;
}

/** What the processes of a container see. What they write into trees is thrown away with it. */
export class ContainerMounts implements AsyncDisposable {
  /** `undefined`: there is nothing to run in, only mounts to look into. */
  readonly rootfs: string | undefined;
  readonly readonlyRootfs: boolean;
  /** Everything but the root. */
  readonly others: readonly ExecMount[];
  /** Where what was asked for can be looked into from outside, in the order of the request; `undefined` where it cannot. */
  readonly places: readonly (string | undefined)[];
  readonly #workspace: Workspace;

  /** Fetches and mounts what the request names. @throws {BuildError} when the request makes no sense or names what is not there */
  static async open(request: gateway.NewContainerRequest, options: MountOptions): Promise<ContainerMounts> {
    const workspace = await Workspace.open(options.build.deps.worker.ops.runRoot);
    try {
      return new ContainerMounts(workspace, await new Mounting(request, options, workspace).mount());
    } catch (error) {
      await workspace[Symbol.asyncDispose]();
      throw error;
    }
  }

  private constructor(
    workspace: Workspace,
    mounted: Pick<ContainerMounts, "rootfs" | "readonlyRootfs" | "others" | "places">,
  ) {
    this.#workspace = workspace;
    this.rootfs = mounted.rootfs;
    this.readonlyRootfs = mounted.readonlyRootfs;
    this.others = mounted.others;
    this.places = mounted.places;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#workspace[Symbol.asyncDispose]();
  }
}

/** The mounts of one container while they are being made. */
class Mounting {
  readonly #request: gateway.NewContainerRequest;
  readonly #options: MountOptions;
  readonly #workspace: Workspace;

  constructor(request: gateway.NewContainerRequest, options: MountOptions, workspace: Workspace) {
    this.#request = request;
    this.#options = options;
    this.#workspace = workspace;
  }

  async mount(): Promise<Pick<ContainerMounts, "rootfs" | "readonlyRootfs" | "others" | "places">> {
    const { root, others } = planAnyMounts(asOp(this.#request));
    const places = new Map<string, string>();
    // The root is always writable: places to mount at are made in it.
    const rootfs = root && (await this.#writable(root));
    if (rootfs !== undefined) places.set("/", rootfs);
    const mounts: ExecMount[] = [];
    for (const mount of others) {
      const made = await this.#mount(mount);
      if (!made) continue;
      mounts.push(made);
      if (made.type === "bind" && mount.type !== "secret" && mount.type !== "ssh") places.set(made.target, made.source);
    }
    return {
      rootfs,
      readonlyRootfs: root?.readonly ?? false,
      others: mounts,
      places: this.#request.Mounts.map(({ dest }) => places.get(cleanPath(`/${dest}`))),
    };
  }

  async #mount(mount: MountPlan): Promise<ExecMount | undefined> {
    const { target } = mount;
    const { signal, build } = this.#options;
    switch (mount.type) {
      case "tree": {
        const path = mount.readonly
          ? await this.#workspace.mountReadonly(await this.#input(mount.input), { signal })
          : await this.#writable(mount);
        return { type: "bind", source: await this.#inside(path, mount), target, readonly: mount.readonly };
      }
      case "cache": {
        const seed = mount.input === undefined ? undefined : await this.#input(mount.input);
        const lower = (await seed?.lowerDirs({ signal })) ?? [];
        const request = { name: `${mount.id}:${seed?.id ?? ""}`, sharing: mount.sharing, empty: false, seed: lower };
        const cache = await cacheMountsOf(build.deps.worker.ops).acquire(request, { signal });
        this.#workspace.defer(() => cache[Symbol.dispose]());
        return { type: "bind", source: await this.#inside(cache.path, mount), target, readonly: mount.readonly };
      }
      case "tmpfs":
        return { type: "tmpfs", target, ...(mount.sizeBytes === undefined ? {} : { sizeBytes: mount.sizeBytes }) };
      case "secret": {
        const data = await secretOf(build, mount, signal);
        if (!data) return undefined;
        return { type: "bind", source: await this.#workspace.secretFile(data, mount), target, readonly: true };
      }
      case "ssh": {
        const agent = await sshAgentOf(build.environment, mount, signal);
        if (!agent) return undefined;
        return { type: "bind", source: await this.#workspace.agentSocket(agent, mount), target, readonly: true };
      }
      default:
        return unreachable(mount);
    }
  }

  async #writable({ input, ...mount }: TreeMount): Promise<string> {
    const { signal, build } = this.#options;
    const parent = await this.#input(input);
    await this.#unpack(parent);
    const description = `container ${this.#request.ContainerID}: ${mount.target}`;
    const mutable = await build.deps.worker.refs.mutable(parent, { signal, description });
    this.#workspace.defer(() => mutable.discard());
    return (await this.#workspace.mountMutable(mutable)).path;
  }

  /** Has the layers of a tree at hand. That is told as a step where there is something to do. */
  async #unpack(ref: Ref): Promise<void> {
    const { signal, build } = this.#options;
    const digest = digestOf(`container ${this.#request.ContainerID}`);
    let step: VertexHandle | undefined;
    let progress: LayerProgress | undefined;
    const begin = () => {
      step = build.job.progressFor({ digest, name: "[internal] prepare container" });
      step.start();
      return layerProgress(step, build.deps.worker.ops.now);
    };
    try {
      await ref.lowerDirs({ signal, progress: { update: (item) => (progress ??= begin()).update(item) } });
      step?.complete();
    } catch (error) {
      step?.error(error);
      throw error;
    }
  }

  /** What the selector of a mount means in the tree mounted at `path`; links stay inside that tree. */
  async #inside(
    path: string,
    mount: { readonly input: number | undefined; readonly selector: string },
  ): Promise<string> {
    if (mount.selector === "") return path;
    const tree = await (await this.#input(mount.input)).tree({ signal: this.#options.signal });
    const selected = followPath(tree, mount.selector);
    if (!tree.get(selected)) {
      throw new BuildError("not_found", `cannot mount "/${mount.selector}": no such file or directory`);
    }
    return join(path, selected);
  }

  async #input(index: number | undefined): Promise<Ref> {
    const { resultID: id = "", dest = "" } = (index === undefined ? undefined : this.#request.Mounts[index]) ?? {};
    const found = id === "" ? undefined : await this.#find(id, dest).build();
    if (found) return found;
    const scratch = this.#options.build.deps.worker.refs.scratch();
    this.#workspace.defer(() => scratch.release());
    return scratch;
  }

  #find(id: string, target: string): LazyResult {
    try {
      return this.#options.find(id);
    } catch (cause) {
      const what = `failed to find ref ${id} for ${JSON.stringify(target)} mount`;
      throw new BuildError("not_found", `${what}: ${messageOf(cause)}`, { cause });
    }
  }
}

/** A client's secret. @throws {BuildError} `not_found` when it has none of that id, and needs one */
export async function secretOf(
  build: Build,
  secret: { readonly id: string; readonly optional: boolean },
  signal: AbortSignal,
): Promise<Uint8Array | undefined> {
  const environment: OpEnvironment = build.environment;
  const data = await environment.secret?.(secret.id, { signal });
  if (!data && !secret.optional) throw new BuildError("not_found", `secret ${secret.id}: not found`);
  return data;
}

/** The same mounts as a step of a graph would have them: results are inputs by their place in the list, and nothing is kept. */
function asOp({ Mounts }: gateway.NewContainerRequest): pb.ExecOp {
  return create(pb.ExecOpSchema, {
    meta: { cwd: "/" },
    mounts: Mounts.map(({ resultID, ...mount }, at) => ({
      ...mount,
      resultID,
      input: resultID === "" ? -1n : BigInt(at),
      output: -1n,
    })),
  });
}

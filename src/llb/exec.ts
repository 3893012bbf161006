import { create } from "../base/protobuf/mod.ts";
import { pb } from "../api/mod.ts";
import type { Platform } from "../oci/mod.ts";
import type { LlbCapability } from "./capabilities.ts";
import type { State } from "./state.ts";
import type { OpBody, Vertex, VertexOptions } from "./vertex.ts";

/** What else the process sees, besides its root. What is written to a bind mount is thrown away. */
export type RunMount =
  | {
      readonly type: "bind";
      readonly target: string;
      readonly from: State;
      /** Path inside `from`; the whole of it by default. */
      readonly selector?: string;
      readonly readonly: boolean;
      /** What the process leaves there is a result, too: see {@link State.runInto}. */
      readonly output?: boolean;
    }
  | {
      readonly type: "cache";
      readonly target: string;
      readonly id: string;
      readonly sharing: "shared" | "private" | "locked";
      /** What it holds at first. */
      readonly from: State;
      readonly selector?: string;
      readonly readonly: boolean;
    }
  | { readonly type: "tmpfs"; readonly target: string; readonly sizeBytes?: number; readonly readonly?: boolean }
  | ({ readonly type: "secret"; readonly target: string } & FromClient)
  | ({ readonly type: "ssh" /** By default one that nobody else uses. */; readonly target?: string } & FromClient);

/** What the client holds, by name: a secret or an ssh agent. */
interface FromClient {
  readonly id: string;
  /** Without one, an error; otherwise no mount. */
  readonly required: boolean;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
}

/** A variable of the process whose value the client holds. */
export interface SecretVariable {
  readonly id: string;
  readonly name: string;
  readonly required: boolean;
}

/** One process. */
export interface RunOptions {
  readonly args: readonly string[];
  /** `KEY=value`. */
  readonly env: readonly string[];
  /** Absolute. */
  readonly cwd: string;
  readonly user?: string;
  readonly platform: Platform;
  readonly mounts?: readonly RunMount[];
  readonly secretVariables?: readonly SecretVariable[];
  /** Devices by their CDI names. */
  readonly devices?: readonly { readonly name: string; readonly required: boolean }[];
  readonly network?: "sandbox" | "host" | "none";
  readonly security?: "sandbox" | "insecure";
  readonly hostname?: string;
  readonly extraHosts?: readonly { readonly host: string; readonly ip: string }[];
  readonly ulimits?: readonly { readonly name: string; readonly soft: bigint; readonly hard: bigint }[];
  readonly cgroupParent?: string;
  readonly proxy?: ProxySettings;
}

/** Proxies for the process: they are not part of the cache key. */
export interface ProxySettings {
  readonly http?: string;
  readonly https?: string;
  readonly ftp?: string;
  readonly no?: string;
  readonly all?: string;
}

/** A process in a filesystem; output 0 is that filesystem afterwards, those behind it what is left in mounts that have an output. */
export class ExecVertex implements Vertex {
  readonly inputs: readonly State[];
  readonly options: VertexOptions;
  readonly #root: State;
  readonly #run: RunOptions;

  constructor(root: State, run: RunOptions, options: VertexOptions) {
    this.#root = root;
    this.#run = run;
    this.options = options;
    this.inputs = [root, ...(run.mounts ?? []).flatMap((mount) => ("from" in mount ? [mount.from] : []))];
  }

  /** Which output the mount at `target` has. */
  outputAt(target: string): number {
    const at = outputsOf(this.#run.mounts ?? []).findIndex((mount) => mount.target === target);
    if (at < 0) throw new Error(`Internal error: no mount at ${target} has an output`);
    return at + 1;
  }

  body(number: (input: State) => bigint): OpBody {
    const run = this.#run;
    const root = create(pb.MountSchema, { input: number(this.#root), dest: "/", output: 0n });
    const mounts = run.mounts ?? [];
    const sockets = mounts
      .filter((mount) => mount.type === "ssh")
      .map((mount, at) => ({ ...mount, target: mount.target ?? `/run/buildkit/ssh_agent.${at}` }));
    const sorted = [
      ...mounts
        .filter((mount) => mount.type !== "ssh" && mount.type !== "secret")
        .sort((a, b) => (a.target < b.target ? -1 : a.target > b.target ? 1 : 0)),
      ...mounts.filter((mount) => mount.type === "secret"),
      ...sockets,
    ];
    const outputs = outputsOf(mounts);
    const output = (mount: RunMount) => BigInt(outputs.findIndex((candidate) => candidate === mount)) + 1n || -1n;
    const op = create(pb.ExecOpSchema, {
      meta: this.#meta(sockets[0]?.target),
      mounts: [root, ...sorted.map((mount) => encodeMount(mount, { number, output: output(mount) }))],
      network: { sandbox: pb.NetMode.UNSET, host: pb.NetMode.HOST, none: pb.NetMode.NONE }[run.network ?? "sandbox"],
      security: run.security === "insecure" ? pb.SecurityMode.INSECURE : pb.SecurityMode.SANDBOX,
      secretenv: (run.secretVariables ?? []).map(({ id, name, required }) =>
        create(pb.SecretEnvSchema, { ID: id, name, optional: !required }),
      ),
      cdiDevices: (run.devices ?? []).map(({ name, required }) =>
        create(pb.CDIDeviceSchema, { name, optional: !required }),
      ),
    });
    return { op: { case: "exec", value: op }, platform: run.platform, capabilities: this.#capabilities(sorted) };
  }

  /** @param agent where the process finds an ssh agent, unless it is told otherwise */
  #meta(agent: string | undefined): pb.Meta {
    const run = this.#run;
    const wantsAgent = agent !== undefined && !run.env.some((variable) => variable.startsWith("SSH_AUTH_SOCK="));
    return create(pb.MetaSchema, {
      args: [...run.args],
      env: wantsAgent ? [...run.env, `SSH_AUTH_SOCK=${agent}`] : [...run.env],
      cwd: run.cwd,
      user: run.user ?? "",
      hostname: run.hostname ?? "",
      cgroupParent: run.cgroupParent ?? "",
      removeMountStubsRecursive: true,
      extraHosts: (run.extraHosts ?? []).map(({ host, ip }) => create(pb.HostIPSchema, { Host: host, IP: ip })),
      ulimit: (run.ulimits ?? []).map(({ name, soft, hard }) =>
        create(pb.UlimitSchema, { Name: name, Soft: soft, Hard: hard }),
      ),
      ...(run.proxy && {
        proxyEnv: create(pb.ProxyEnvSchema, {
          httpProxy: run.proxy.http ?? "",
          httpsProxy: run.proxy.https ?? "",
          ftpProxy: run.proxy.ftp ?? "",
          noProxy: run.proxy.no ?? "",
          allProxy: run.proxy.all ?? "",
        }),
      }),
    });
  }

  #capabilities(mounts: readonly RunMount[]): readonly LlbCapability[] {
    const run = this.#run;
    const needed = new Set<LlbCapability>(["exec.meta.base", "exec.meta.setsdefaultpath", "exec.mount.bind"]);
    if (run.ulimits?.length) needed.add("exec.meta.ulimit");
    if (run.proxy) needed.add("exec.meta.proxyenv");
    if (run.security === "insecure") needed.add("exec.meta.security");
    if (run.network !== undefined && run.network !== "sandbox") needed.add("exec.meta.network");
    if (run.cgroupParent) needed.add("exec.meta.cgroup.parent");
    if (this.options.resources) needed.add("exec.meta.linux.resources");
    for (const mount of mounts) {
      if (mount.type === "cache") needed.add("exec.mount.cache").add("exec.mount.cache.sharing");
      if (mount.type === "tmpfs") needed.add("exec.mount.tmpfs");
      if (mount.type === "tmpfs" && mount.sizeBytes) needed.add("exec.mount.tmpfs.size");
      if (mount.type === "bind" && !mount.readonly && !mount.output) needed.add("exec.mount.bind.readwrite-nooutput");
      if ("from" in mount && mount.selector) needed.add("exec.mount.selector");
      if (mount.type === "secret") needed.add("exec.mount.secret");
      if (mount.type === "ssh") needed.add("exec.mount.ssh");
    }
    if (run.secretVariables?.length) needed.add("exec.mount.secret").add("exec.secretenv");
    if (run.devices?.length) needed.add("exec.meta.cdi");
    return [...needed];
  }
}

/** Mounts whose contents are results, in the order of these. */
function outputsOf(mounts: readonly RunMount[]): readonly RunMount[] {
  return mounts
    .flatMap((mount) => (mount.type === "bind" && mount.output ? [mount] : []))
    .sort((a, b) => (a.target < b.target ? -1 : 1));
}

function encodeMount(
  mount: RunMount & { readonly target: string },
  { number, output }: { readonly number: (input: State) => bigint; readonly output: bigint },
): pb.Mount {
  const common = { dest: mount.target, output };
  switch (mount.type) {
    case "bind":
      return create(pb.MountSchema, {
        ...common,
        input: number(mount.from),
        selector: mount.selector ?? "",
        readonly: mount.readonly,
      });
    case "cache":
      return create(pb.MountSchema, {
        ...common,
        input: number(mount.from),
        selector: mount.selector ?? "",
        readonly: mount.readonly,
        mountType: pb.MountType.CACHE,
        cacheOpt: create(pb.CacheOptSchema, {
          ID: mount.id,
          sharing: {
            shared: pb.CacheSharingOpt.SHARED,
            private: pb.CacheSharingOpt.PRIVATE,
            locked: pb.CacheSharingOpt.LOCKED,
          }[mount.sharing],
        }),
      });
    case "tmpfs":
      return create(pb.MountSchema, {
        ...common,
        input: -1n,
        readonly: mount.readonly ?? false,
        mountType: pb.MountType.TMPFS,
        TmpfsOpt: create(pb.TmpfsOptSchema, { size: BigInt(mount.sizeBytes ?? 0) }),
      });
    case "secret":
      return create(pb.MountSchema, {
        dest: mount.target,
        input: -1n,
        mountType: pb.MountType.SECRET,
        secretOpt: create(pb.SecretOptSchema, fromClient(mount)),
      });
    case "ssh":
      return create(pb.MountSchema, {
        dest: mount.target,
        input: -1n,
        mountType: pb.MountType.SSH,
        SSHOpt: create(pb.SSHOptSchema, fromClient(mount)),
      });
  }
}

const fromClient = ({ id, uid, gid, mode, required }: FromClient) => ({ ID: id, uid, gid, mode, optional: !required });

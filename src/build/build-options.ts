import type { Output } from "./outputs/output.ts";

/** One build, as asked for: everything still in the user's words, nothing looked up yet. */
export interface BuildOptions {
  /** As typed: a directory, `-`, or an address. */
  readonly context: string;
  /** As typed; empty for the context's own. */
  readonly dockerfile: string;
  /** `name=value`, as typed. */
  readonly buildContexts: readonly string[];
  readonly target: string;
  /** What to ask the frontend instead of building, as it knows it (`lint`, `outline`); `undefined`: build. */
  readonly question?: string | undefined;
  readonly tags: readonly string[];
  /** Each may be a comma list; `local` is this machine's. */
  readonly platforms: readonly string[];
  /** `K=V`, or `K` for the value from the environment. */
  readonly buildArgs: readonly string[];
  /** `K=V`, or `K` for an empty value. */
  readonly labels: readonly string[];
  /** `type=provenance,mode=max`, `type=sbom,generator=IMAGE` */
  readonly attest: readonly string[];
  /** `[TYPE[,TYPE…]:]K=V` */
  readonly annotations: readonly string[];
  readonly noCache: boolean;
  /** Stages; each may be a comma list. */
  readonly noCacheFilter: readonly string[];
  readonly pull: boolean;
  /** `default`, `none` or `host`. */
  readonly network: string;
  /** `host:ip` or `host=ip`. */
  readonly addHosts: readonly string[];
  readonly shmSizeBytes?: number;
  /** `name=soft:hard` */
  readonly ulimits: readonly string[];
  readonly cgroupParent: string;
  /** `name=value`: limits of what each step may use. */
  readonly resources: readonly string[];
  /** `id=…,src=…` and the like. */
  readonly secrets: readonly string[];
  /** `default`, `id=path` */
  readonly ssh: readonly string[];
  /** Entitlements. */
  readonly allow: readonly string[];
  /** As typed: `type=…,…`, or references. */
  readonly cacheFrom: readonly string[];
  readonly cacheTo: readonly string[];
  readonly outputs: readonly Output[];
  readonly push: boolean;
  readonly load: boolean;
}

import type { pb } from "../api/mod.ts";
import type { SourceRange } from "../base/errors/mod.ts";
import type { Digest, Platform } from "../oci/mod.ts";
import type { LlbCapability } from "./capabilities.ts";
import type { State } from "./state.ts";

/** A text that vertices come from, for instance a Dockerfile. */
export interface SourceFile {
  readonly filename: string;
  readonly bytes: Uint8Array;
  readonly language: string;
  /** The graph that this file was read from. */
  readonly definition?: pb.Definition;
}

/** What does not decide a vertex's result, and so is no part of its digest. */
export interface VertexOptions {
  /** As people see it; without one, the engine makes a name from the op. */
  readonly name?: string;
  readonly description?: Readonly<Record<string, string>>;
  /** Never answered from the cache. */
  readonly ignoreCache?: boolean;
  readonly progressGroup?: { readonly id: string; readonly name: string; readonly weak: boolean };
  readonly location?: { readonly file: SourceFile; readonly range: SourceRange };
  readonly resources?: LinuxResources;
}

/** Limits for a process; those that are missing are not set. */
export interface LinuxResources {
  readonly memoryBytes?: bigint;
  /** Memory and swap together; -1 is unlimited. */
  readonly memorySwapBytes?: bigint;
  readonly cpuShares?: bigint;
  readonly cpuPeriodUs?: bigint;
  readonly cpuQuotaUs?: bigint;
  readonly cpusetCpus?: string;
  readonly cpusetMems?: string;
}

/** What a vertex's op says, once its inputs have numbers. */
export interface OpBody {
  readonly op: pb.Op["op"];
  /** What it runs on; only for ops whose result depends on it. */
  readonly platform?: Platform;
  readonly capabilities: readonly LlbCapability[];
}

/** A node of the graph that is being built. Immutable. */
export interface Vertex {
  /** Everything that it reads; may name a state twice, and scratch. */
  readonly inputs: readonly State[];
  readonly options: VertexOptions;
  /** What somebody else has written, to be kept byte for byte; {@link body} is not asked then. */
  readonly given?: {
    readonly digest: Digest;
    readonly bytes: Uint8Array;
    readonly capabilities: readonly LlbCapability[];
  };
  /** @param number place of one of `inputs` in `Op.inputs`, -1 for scratch; numbers are given in the order of asking */
  body(number: (input: State) => bigint): OpBody;
}

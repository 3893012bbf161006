import type { SourceRange } from "../../base/errors/mod.ts";
import type { Digest } from "../../oci/mod.ts";

/** State of a vertex as BuildKit's Status reports it: the whole of it is sent again at each change. */
export interface VertexStatus {
  readonly digest: Digest;
  readonly inputs: readonly Digest[];
  readonly name: string;
  readonly cached: boolean;
  readonly started?: Date;
  readonly completed?: Date;
  readonly error?: string;
  readonly progressGroup?: { readonly id: string; readonly name: string; readonly weak: boolean };
}

/** One thing that happened during a build, in the order in which it happened. */
export type StatusEvent =
  | { readonly type: "vertex"; readonly vertex: VertexStatus }
  | {
      readonly type: "status";
      readonly vertex: Digest;
      /** Of the item within the vertex, for instance a layer's digest. */
      readonly id: string;
      /** What is being done, for instance `downloading`; may be empty. */
      readonly name: string;
      readonly current: number;
      /** 0 when unknown. */
      readonly total: number;
      readonly at: Date;
      readonly started?: Date;
      readonly completed?: Date;
    }
  | {
      readonly type: "log";
      readonly vertex: Digest;
      readonly stream: 1 | 2;
      readonly data: Uint8Array;
      readonly at: Date;
    }
  | {
      readonly type: "warning";
      readonly vertex: Digest;
      readonly level: number;
      readonly short: string;
      readonly detail: readonly string[];
      readonly url?: string;
      /** The text that it is about; without it the ranges' own. */
      readonly source?: WarningSource;
      readonly ranges?: readonly SourceRange[];
    };

/** A text that a warning is about. */
export interface WarningSource {
  readonly filename: string;
  readonly text: string;
  /** For instance `Dockerfile`; may be empty. */
  readonly language: string;
}

/** How an op speaks while it works; every call is cheap and never blocks. */
export interface VertexProgress {
  log(stream: 1 | 2, data: Uint8Array): void;
  /** An item of work; call again with the same `id` as it advances, and with `completed` at its end. */
  status(item: { id: string; name?: string; current?: number; total?: number; started?: Date; completed?: Date }): void;
  warn(warning: {
    level?: number;
    short: string;
    detail?: readonly string[];
    url?: string;
    source?: WarningSource;
    ranges?: readonly SourceRange[];
  }): void;
}

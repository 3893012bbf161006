/** A moment by the engine's clock: nanoseconds since 1970. */
export type Nanos = bigint;

/** A step of the build. The whole of it is sent again at each change. */
export interface Vertex {
  readonly digest: string;
  readonly inputs: readonly string[];
  readonly name: string;
  readonly started?: Nanos;
  readonly completed?: Nanos;
  readonly cached: boolean;
  /** Empty when all is well. */
  readonly error: string;
  /** Steps of one group are shown as one. */
  readonly progressGroup?: { readonly id: string; readonly name: string; readonly weak: boolean };
}

/** Progress of one item within a step, for instance a layer being downloaded. */
export interface VertexStatus {
  readonly id: string;
  readonly vertex: string;
  readonly name: string;
  readonly current: bigint;
  /** 0 when unknown. */
  readonly total: bigint;
  readonly timestamp: Nanos;
  readonly started?: Nanos;
  readonly completed?: Nanos;
}

/** Bytes that a step wrote: neither whole lines nor necessarily text. */
export interface VertexLog {
  readonly vertex: string;
  readonly stream: number;
  readonly data: Uint8Array;
  readonly timestamp: Nanos;
}

/** A remark on the build that does not stop it. */
export interface VertexWarning {
  readonly vertex: string;
  readonly level: number;
  readonly short: Uint8Array;
  readonly detail: readonly Uint8Array[];
  readonly url: string;
  readonly source?: { readonly filename: string; readonly text: Uint8Array; readonly language: string };
  readonly ranges: readonly { readonly start: Place; readonly end: Place }[];
}

/** Line from 1, character from 0. */
export interface Place {
  readonly line: number;
  readonly character: number;
}

/** One message of the stream that tells how a build goes on. */
export interface SolveStatus {
  readonly vertexes: readonly Vertex[];
  readonly statuses: readonly VertexStatus[];
  readonly logs: readonly VertexLog[];
  readonly warnings: readonly VertexWarning[];
}

/** Whether a failed step only stopped because somebody cancelled. */
export function isCanceled(error: string): boolean {
  return error.endsWith("context canceled");
}

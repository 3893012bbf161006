import type { Nanos, SolveStatus, Vertex, VertexLog, VertexStatus, VertexWarning } from "../status.ts";

/** Milliseconds as {@link Nanos}. */
export function ms(milliseconds: number): Nanos {
  return BigInt(milliseconds) * 1_000_000n;
}

/** A message of the given parts, with the rest left empty. */
export function message(parts: Partial<SolveStatus>): SolveStatus {
  return { vertexes: [], statuses: [], logs: [], warnings: [], ...parts };
}

/** A step; times in milliseconds. */
export function step(
  digest: string,
  name: string,
  times: { start?: number; stop?: number } = {},
  more: Partial<Vertex> = {},
): Vertex {
  return {
    digest,
    name,
    inputs: [],
    cached: false,
    error: "",
    ...(times.start === undefined ? {} : { started: ms(times.start) }),
    ...(times.stop === undefined ? {} : { completed: ms(times.stop) }),
    ...more,
  };
}

/** An item of a step; times in milliseconds. */
export function item(
  vertex: string,
  id: string,
  amount: { current?: bigint; total?: bigint } = {},
  times: { start?: number; stop?: number } = {},
): VertexStatus {
  return {
    id,
    vertex,
    name: "",
    current: amount.current ?? 0n,
    total: amount.total ?? 0n,
    timestamp: ms(times.stop ?? times.start ?? 0),
    ...(times.start === undefined ? {} : { started: ms(times.start) }),
    ...(times.stop === undefined ? {} : { completed: ms(times.stop) }),
  };
}

/** Text that a step wrote at a time in milliseconds. */
export function log(vertex: string, at: number, text: string): VertexLog {
  return { vertex, stream: 1, data: new TextEncoder().encode(text), timestamp: ms(at) };
}

/** A remark of a step. */
export function warning(vertex: string, short: string, more: Partial<VertexWarning> = {}): VertexWarning {
  return { vertex, level: 1, short: new TextEncoder().encode(short), detail: [], url: "", ranges: [], ...more };
}

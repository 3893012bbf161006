import type { StatusResponse } from "../client/mod.ts";
import type { Nanos, Place, SolveStatus, Vertex, VertexLog, VertexStatus, VertexWarning } from "./status.ts";

/** A message of the control API's Status as this folder speaks of it. Bytes are shared with the message, not copied. */
export function statusFromWire(wire: StatusResponse): SolveStatus {
  return {
    vertexes: wire.vertexes.map(vertex),
    statuses: wire.statuses.map(status),
    logs: wire.logs.map(log),
    warnings: wire.warnings.map(warning),
  };
}

function vertex(wire: StatusResponse["vertexes"][number]): Vertex {
  const group = wire.progressGroup;
  return {
    digest: wire.digest,
    inputs: wire.inputs,
    name: wire.name,
    ...optional("started", wire.started),
    ...optional("completed", wire.completed),
    cached: wire.cached,
    error: wire.error,
    ...(group ? { progressGroup: { id: group.id, name: group.name, weak: group.weak } } : {}),
  };
}

function status(wire: StatusResponse["statuses"][number]): VertexStatus {
  return {
    id: wire.ID,
    vertex: wire.vertex,
    name: wire.name,
    current: wire.current,
    total: wire.total,
    timestamp: wire.timestamp ? nanos(wire.timestamp) : 0n,
    ...optional("started", wire.started),
    ...optional("completed", wire.completed),
  };
}

function log(wire: StatusResponse["logs"][number]): VertexLog {
  return {
    vertex: wire.vertex,
    stream: Number(wire.stream),
    data: wire.msg,
    timestamp: wire.timestamp ? nanos(wire.timestamp) : 0n,
  };
}

function warning(wire: StatusResponse["warnings"][number]): VertexWarning {
  const { info } = wire;
  return {
    vertex: wire.vertex,
    level: Number(wire.level),
    short: wire.short,
    detail: wire.detail,
    url: wire.url,
    ...(info ? { source: { filename: info.filename, text: info.data, language: info.language } } : {}),
    ranges: wire.ranges.map((range) => ({ start: place(range.start), end: place(range.end) })),
  };
}

function place(position: { line: number; character: number } | undefined): Place {
  return { line: position?.line ?? 0, character: position?.character ?? 0 };
}

interface WireTime {
  readonly seconds: bigint;
  readonly nanos: number;
}

function nanos(time: WireTime): Nanos {
  return time.seconds * 1_000_000_000n + BigInt(time.nanos);
}

function optional<K extends string>(name: K, time: WireTime | undefined): { [key in K]?: Nanos } {
  return (time ? { [name]: nanos(time) } : {}) as { [key in K]?: Nanos };
}

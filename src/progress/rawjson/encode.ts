import { formatRfc3339 } from "../format/time.ts";
import type { Nanos, Place, SolveStatus, Vertex, VertexLog, VertexStatus, VertexWarning } from "../status.ts";

/** One message as one line of JSON, field by field as BuildKit's clients write it: empty fields left out, bytes in base64. */
export function encodeRawJson(status: SolveStatus): string {
  const json = {
    vertexes: filled(status.vertexes.map(vertex)),
    statuses: filled(status.statuses.map(item)),
    logs: filled(status.logs.map(log)),
    warnings: filled(status.warnings.map(warning)),
  };
  return `${JSON.stringify(json)}\n`;
}

function vertex({ digest, inputs, name, started, completed, cached, error, progressGroup: group }: Vertex): object {
  return {
    digest,
    inputs: filled(inputs),
    name: text(name),
    started: time(started),
    completed: time(completed),
    cached: cached || undefined,
    error: text(error),
    progressGroup: group && { id: text(group.id), name: text(group.name), weak: group.weak || undefined },
  };
}

function item({ id, vertex, name, total, current, timestamp, started, completed }: VertexStatus): object {
  return {
    id,
    vertex: text(vertex),
    name: text(name),
    total: Number(total) || undefined,
    current: Number(current),
    timestamp: formatRfc3339(timestamp),
    started: time(started),
    completed: time(completed),
  };
}

function log({ vertex, stream, data, timestamp }: VertexLog): object {
  return { vertex: text(vertex), stream: stream || undefined, data: base64(data), timestamp: formatRfc3339(timestamp) };
}

/** Warnings as in a line of that JSON; what was told twice is there once. */
export function warningsJson(warnings: readonly VertexWarning[]): readonly object[] {
  return [...new Map(warnings.map(warning).map((json) => [JSON.stringify(json), json])).values()];
}

function warning({ vertex, level, short, detail, url, source, ranges }: VertexWarning): object {
  return {
    vertex: text(vertex),
    level: level || undefined,
    short: short.length === 0 ? undefined : base64(short),
    detail: filled(detail.map(base64)),
    url: text(url),
    sourceInfo: source && {
      filename: text(source.filename),
      data: base64(source.text),
      language: text(source.language),
    },
    range: filled(ranges.map(({ start, end }) => ({ start: place(start), end: place(end) }))),
  };
}

function place({ line, character }: Place): object {
  return { line: line || undefined, character: character || undefined };
}

function filled<T>(list: readonly T[]): readonly T[] | undefined {
  return list.length === 0 ? undefined : list;
}

function text(value: string): string | undefined {
  return value === "" ? undefined : value;
}

function time(nanos: Nanos | undefined): string | undefined {
  return nanos === undefined ? undefined : formatRfc3339(nanos);
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("base64");
}

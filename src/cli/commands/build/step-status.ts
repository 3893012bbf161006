import { createHash } from "node:crypto";
import type { ClientStep } from "../../../build/mod.ts";
import type { Nanos, SolveStatus } from "../../../progress/mod.ts";

/** A step of this client as a message of the kind that the engine's steps come in. */
export function stepStatus({ id, name, started, completed, error, warning }: ClientStep): SolveStatus {
  const vertex = {
    digest: `sha256:${createHash("sha256").update(id).digest("hex")}`,
    inputs: [],
    name,
    cached: false,
    error: error ?? "",
    started: nanos(started),
    ...(completed === undefined ? {} : { completed: nanos(completed) }),
  };
  const bytes = (text: string) => new TextEncoder().encode(text);
  const warnings = warning
    ? [
        {
          vertex: vertex.digest,
          level: 1,
          short: bytes(warning.short),
          detail: warning.detail.map(bytes),
          url: "",
          ranges: [],
        },
      ]
    : [];
  return { vertexes: [vertex], statuses: [], logs: [], warnings };
}

function nanos(date: Date): Nanos {
  return BigInt(date.getTime()) * 1_000_000n;
}

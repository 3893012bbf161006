import type { MessageInitShape } from "../../base/protobuf/mod.ts";
import { timestampFromDate } from "../../base/protobuf/mod.ts";
import type { control } from "../../api/mod.ts";
import type { StatusEvent, WarningSource } from "../solver/mod.ts";

type StatusResponse = MessageInitShape<typeof control.StatusResponseSchema>;
type Vertex = NonNullable<StatusResponse["vertexes"]>[number];
type VertexStatus = NonNullable<StatusResponse["statuses"]>[number];
type VertexLog = NonNullable<StatusResponse["logs"]>[number];
type VertexWarning = NonNullable<StatusResponse["warnings"]>[number];

/** A message is sent when its logs hold this many bytes, though more may be waiting. */
const logBytesPerMessage = 1024 * 1024;

/**
 * Events as messages of Control.Status: several in one message while they come quickly (of an item that advances only the last word counts),
 * at once when they come slowly.
 */
export async function* statusMessages(
  events: AsyncIterable<StatusEvent>,
  signal: AbortSignal,
): AsyncGenerator<StatusResponse> {
  const batches = batch(events, signal);
  for await (const events of batches) yield* encodeBatch(events);
}

/** How long events are gathered before they leave together. */
const gatherMs = 40;

async function* batch(events: AsyncIterable<StatusEvent>, signal: AbortSignal): AsyncGenerator<readonly StatusEvent[]> {
  let waiting: StatusEvent[] = [];
  let wake = Promise.withResolvers<void>();
  let ended = false;
  let failure: unknown;
  const reading = (async () => {
    try {
      for await (const event of events) {
        waiting.push(event);
        wake.resolve();
        if (signal.aborted) return;
      }
    } catch (error) {
      failure = error;
    } finally {
      ended = true;
      wake.resolve();
    }
  })();
  const onAbort = () => wake.resolve();
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    for (;;) {
      await wake.promise;
      wake = Promise.withResolvers<void>();
      if (signal.aborted) return;
      if (!ended) await Promise.race([new Promise((resolve) => setTimeout(resolve, gatherMs)), reading]);
      const ready = waiting;
      waiting = [];
      if (ready.length > 0) yield ready;
      if (ended && waiting.length === 0) {
        if (failure !== undefined) throw failure;
        return;
      }
      if (ended) wake.resolve();
    }
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}

function* encodeBatch(events: readonly StatusEvent[]): Generator<StatusResponse> {
  let vertexes: Vertex[] = [];
  let statuses = new Map<string, VertexStatus>();
  let logs: VertexLog[] = [];
  let warnings: VertexWarning[] = [];
  let logBytes = 0;
  const flush = (): StatusResponse => {
    const message: StatusResponse = { vertexes, statuses: [...statuses.values()], logs, warnings };
    vertexes = [];
    statuses = new Map();
    logs = [];
    warnings = [];
    logBytes = 0;
    return message;
  };
  for (const event of events) {
    switch (event.type) {
      case "vertex": {
        const { started, completed, error, progressGroup, ...rest } = event.vertex;
        vertexes.push({
          digest: rest.digest,
          inputs: [...rest.inputs],
          name: rest.name,
          cached: rest.cached,
          error: error ?? "",
          ...(started ? { started: timestampFromDate(started) } : {}),
          ...(completed ? { completed: timestampFromDate(completed) } : {}),
          ...(progressGroup ? { progressGroup } : {}),
        });
        break;
      }
      case "status": {
        const { started, completed } = event;
        statuses.set(`${event.vertex} ${event.id}`, {
          ID: event.id,
          vertex: event.vertex,
          name: event.name,
          current: BigInt(Math.round(event.current)),
          total: BigInt(Math.round(event.total)),
          timestamp: timestampFromDate(event.at),
          ...(started ? { started: timestampFromDate(started) } : {}),
          ...(completed ? { completed: timestampFromDate(completed) } : {}),
        });
        break;
      }
      case "log":
        logs.push({
          vertex: event.vertex,
          timestamp: timestampFromDate(event.at),
          stream: BigInt(event.stream),
          msg: event.data as Uint8Array<ArrayBuffer>,
        });
        logBytes += event.data.byteLength;
        if (logBytes >= logBytesPerMessage) yield flush();
        break;
      case "warning": {
        const [range] = event.ranges ?? [];
        const source = event.source ?? (range && { language: "", text: "", ...range });
        warnings.push({
          vertex: event.vertex,
          level: BigInt(event.level),
          short: new TextEncoder().encode(event.short),
          detail: event.detail.map((line) => new TextEncoder().encode(line)),
          url: event.url ?? "",
          ...(source && { info: sourceInfo(source) }),
          ranges: (event.ranges ?? []).map(({ start, end }) => ({ start: { ...start }, end: { ...end } })),
        });
        break;
      }
      default:
        event satisfies never;
    }
  }
  if (vertexes.length + statuses.size + logs.length + warnings.length > 0) yield flush();
}

function sourceInfo({ filename, text, language }: WarningSource): NonNullable<VertexWarning["info"]> {
  return { filename, data: new TextEncoder().encode(text), language };
}

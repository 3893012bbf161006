/** What a worker thread runs: one job after the other, until it is ended; or the digest of one stream, where a job wants that beside itself. */
import { parentPort, workerData } from "node:worker_threads";
import { BuildError, messageOf } from "../../base/errors/mod.ts";
import { digestRole, serveDigest } from "./compression/digest-thread.ts";
import type { JobContext, JobName, Jobs } from "./jobs.ts";
import { jobRunners } from "./jobs/mod.ts";
import type { FailureData, Reply, Request } from "./protocol.ts";

const progressEveryMs = 100;
const port = parentPort;
if (!port) throw new Error("Internal error: this program runs in worker threads only");
if (workerData === digestRole) serveDigest(port);
else port.on("message", (request: Request) => void serve(request));

async function serve(request: Request): Promise<void> {
  const { id, cancelled } = request;
  let toldAt = 0;
  const context: JobContext = {
    check() {
      if (Atomics.load(cancelled, 0) !== 0) throw new Cancelled();
    },
    progress(bytes) {
      const now = Date.now();
      if (now - toldAt < progressEveryMs) return;
      toldAt = now;
      reply({ type: "progress", id, bytes });
    },
  };
  try {
    const output = await runJob(request.name, request.input, context);
    reply({ type: "done", id, output }, buffersOf(output));
  } catch (error) {
    if (error instanceof Cancelled) reply({ type: "cancelled", id });
    else reply({ type: "failed", id, error: failureData(error) });
  }
}

async function runJob<N extends JobName>(name: N, input: Jobs[N]["input"], context: JobContext): Promise<unknown> {
  return await jobRunners[name](input, context);
}

function reply(message: Reply, transfer: ArrayBuffer[] = []): void {
  port?.postMessage(message, transfer);
}

/** Bytes at the top of an output are moved, not copied. */
function buffersOf(output: unknown): ArrayBuffer[] {
  if (typeof output !== "object" || output === null) return [];
  return Object.values(output).flatMap((value) =>
    value instanceof Uint8Array && value.buffer instanceof ArrayBuffer ? value.buffer : [],
  );
}

function failureData(error: unknown): FailureData {
  const { stack, code }: NodeJS.ErrnoException = error instanceof Error ? error : new Error(String(error));
  const isBuildError = error instanceof BuildError;
  return {
    message: messageOf(error),
    stack,
    buildCode: isBuildError ? error.code : undefined,
    systemCode: isBuildError ? systemCodeOf(error.cause) : code,
  };
}

function systemCodeOf(cause: unknown): string | undefined {
  return cause instanceof Error ? (cause as NodeJS.ErrnoException).code : undefined;
}

class Cancelled extends Error {}

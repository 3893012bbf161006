import { fromBinary } from "../base/protobuf/mod.ts";
import { errdefs, status } from "../api/mod.ts";
import { asBuildError, type BuildError } from "../base/errors/mod.ts";
import { type CallControl } from "../client/mod.ts";
import { collectBytes } from "../oci/mod.ts";
import { errorOf } from "../rpc/mod.ts";
import type { BuildRecord } from "./build-record.ts";

/** Why a build failed. */
export interface RecordedFailure {
  /** gRPC's number. */
  readonly code: number;
  /** With code, details and the place in the Dockerfile, as the client got it. */
  readonly error: BuildError;
  /** The step that failed; empty when none did. */
  readonly step: string;
  /** What that step said, line by line. */
  readonly logs: readonly string[];
}

/** Largest error that is taken. */
const largest = 16 * 1024 * 1024;
const vertexDetail = /\bVertex(?:\+json)?$/;

/** Why a build failed; `undefined` when it did not. */
export async function recordedFailure(record: BuildRecord, options: CallControl): Promise<RecordedFailure | undefined> {
  const { error: short, externalError } = record.wire;
  if (!short) return undefined;
  let full = short;
  if (externalError) {
    try {
      const bytes = await collectBytes(record.node.client.readBlob(externalError.digest, options), {
        limitBytes: largest,
      });
      full = fromBinary(status.StatusSchema, bytes);
    } catch (error) {
      if (asBuildError(error).code !== "not_found") throw error;
    }
  }
  const detail = full.details.find(({ typeUrl }) => vertexDetail.test(typeUrl));
  const digest = detail ? vertexOf(detail.value) : undefined;
  return { code: short.code, error: errorOf(full), ...(await stepOf(record, digest, options)) };
}

/** Details are JSON when a Go program has written them. */
function vertexOf(value: Uint8Array): string | undefined {
  try {
    if (value[0] !== 0x7b) return fromBinary(errdefs.VertexSchema, value).digest;
    const { digest } = JSON.parse(Buffer.from(value).toString()) as { digest?: unknown };
    return typeof digest === "string" ? digest : undefined;
  } catch {
    return undefined;
  }
}

async function stepOf(
  record: BuildRecord,
  digest: string | undefined,
  options: CallControl,
): Promise<{ readonly step: string; readonly logs: readonly string[] }> {
  let step = "";
  let said = "";
  if (digest === undefined) return { step, logs: [] };
  for await (const { vertexes, logs } of record.node.client.status(record.ref, options)) {
    for (const vertex of vertexes) if (vertex.digest === digest) step = vertex.name;
    for (const { vertex, msg } of logs) if (vertex === digest) said += Buffer.from(msg).toString();
  }
  return { step, logs: said === "" ? [] : said.replace(/\n$/, "").split("\n") };
}

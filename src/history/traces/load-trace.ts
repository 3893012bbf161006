import { BuildError } from "../../base/errors/mod.ts";
import type { CallControl } from "../../client/mod.ts";
import { collectBytes } from "../../oci/mod.ts";
import { type BuildRecord, type HistoryPlace, queryBuilds } from "../build-record.ts";
import { findBuild } from "../find-builds.ts";
import { type JaegerTrace, toJaeger } from "./jaeger.ts";
import { splitSpans } from "./span-stream.ts";

/** Largest trace that is taken. */
const largest = 256 * 1024 * 1024;

/**
 * The trace of a build that has ended; an engine that still waits for the last parts of it is asked to write down what it has.
 * @param word as people name builds
 * @throws {BuildError} `not_found` and `failed_precondition` with buildx's words
 */
export async function loadTrace(place: HistoryPlace, word: string, options: CallControl): Promise<JaegerTrace> {
  const build = await findBuild(place, word, { ...options, endedToBe: "traced" });
  const { node, wire } = await finalized(build, place, options);
  if (!wire.trace) throw new BuildError("not_found", `build record ${JSON.stringify(build.ref)} is missing a trace`);
  const bytes = await collectBytes(node.client.readBlob(wire.trace.digest, options), { limitBytes: largest });
  const spans = splitSpans(bytes);
  if (spans.length === 0) throw new BuildError("not_found", "no trace data");
  return toJaeger(spans);
}

/** The record with all that the engine has of its build. */
export async function finalized(build: BuildRecord, place: HistoryPlace, options: CallControl): Promise<BuildRecord> {
  if (build.wire.trace) return build;
  await build.node.client.finalizeHistory(build.ref, options);
  const [again] = await queryBuilds({ ...place, nodes: [build.node] }, { ref: build.ref }, options);
  if (!again) throw new BuildError("not_found", `build record ${JSON.stringify(build.ref)} was deleted`);
  return again;
}

import type { Profiler } from "node:inspector";
import { type CallFrame, Stacks } from "./stacks.ts";

/** What V8's profiler tells, as pprof reads it: how often each stack was seen, and how long. */
export function cpuProfile(profile: Profiler.Profile, startedAt: Date): Uint8Array {
  const { nodes, samples = [], timeDeltas = [], startTime, endTime } = profile;
  const parents = new Map(nodes.flatMap(({ id, children = [] }) => children.map((child) => [child, id] as const)));
  const frames = new Map(nodes.map(({ id, callFrame }) => [id, callFrame]));
  const seen = new Map<number, { count: bigint; nanos: bigint }>();
  for (const [at, id] of samples.entries()) {
    // A delta is the time since the sample before; what was seen then lasted until now.
    const nanos = BigInt(Math.max(0, timeDeltas[at + 1] ?? 0)) * 1000n;
    const { count, nanos: before } = seen.get(id) ?? { count: 0n, nanos: 0n };
    seen.set(id, { count: count + 1n, nanos: before + nanos });
  }
  const stacks = new Stacks();
  for (const [id, { count, nanos }] of seen) {
    const stack = stackOf(id, parents, frames);
    if (stack.at(0)?.functionName !== "(idle)") stacks.add(stack, [count, nanos]);
  }
  const durationNanos = BigInt(Math.round(endTime - startTime)) * 1000n;
  const period = samples.length > 0 ? durationNanos / BigInt(samples.length) : 0n;
  return stacks.finish({
    measures: [
      { type: "samples", unit: "count" },
      { type: "cpu", unit: "nanoseconds" },
    ],
    period: { type: "cpu", unit: "nanoseconds", value: period },
    startedAt,
    durationNanos,
  });
}

/** The frames of a node, from the innermost one outwards, without the root, which is nowhere. */
function stackOf(
  id: number,
  parents: ReadonlyMap<number, number>,
  frames: ReadonlyMap<number, CallFrame>,
): readonly CallFrame[] {
  const stack: CallFrame[] = [];
  for (let at: number | undefined = id; at !== undefined; at = parents.get(at)) {
    const frame = frames.get(at);
    if (frame && frame.functionName !== "(root)") stack.push(frame);
  }
  return stack;
}

import type { HeapProfiler } from "node:inspector";
import { type CallFrame, Stacks } from "./stacks.ts";

/** What V8 tells of who holds memory, as pprof reads it. */
export function heapProfile(
  root: HeapProfiler.SamplingHeapProfileNode,
  { startedAt, intervalBytes }: { readonly startedAt: Date; readonly intervalBytes: number },
): Uint8Array {
  const stacks = new Stacks();
  const left: { readonly node: HeapProfiler.SamplingHeapProfileNode; readonly outer: readonly CallFrame[] }[] = [
    { node: root, outer: [] },
  ];
  for (let next = left.pop(); next; next = left.pop()) {
    const { node, outer } = next;
    const stack = node === root ? [] : [node.callFrame, ...outer];
    if (node.selfSize > 0) stacks.add(stack, [BigInt(Math.round(node.selfSize))]);
    for (const child of node.children) left.push({ node: child, outer: stack });
  }
  return stacks.finish({
    measures: [{ type: "inuse_space", unit: "bytes" }],
    period: { type: "space", unit: "bytes", value: BigInt(intervalBytes) },
    startedAt,
    durationNanos: 0n,
  });
}

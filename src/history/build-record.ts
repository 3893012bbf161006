import { timestampMs } from "../base/protobuf/mod.ts";
import type { BuildKitClient, CallControl, HistoryQuery, HistoryRecord } from "../client/mod.ts";
import { buildName, type LocalBuild } from "./build-name.ts";

/** An engine whose builds are asked for. */
export interface HistoryNode {
  /** The node's name. */
  readonly name: string;
  readonly client: BuildKitClient;
}

/** Whose builds, and what this machine remembers of them. */
export interface HistoryPlace {
  /** The builder's name. */
  readonly builder: string;
  readonly nodes: readonly HistoryNode[];
  localBuild(node: string, ref: string): Promise<LocalBuild | undefined>;
}

export type BuildStatus = "running" | "completed" | "failed" | "canceled";

/** One build as some node of a builder remembers it. */
export interface BuildRecord {
  readonly node: HistoryNode;
  readonly ref: string;
  /** `builder/node/ref`, which names it among all builders. */
  readonly fullRef: string;
  readonly name: string;
  readonly status: BuildStatus;
  readonly created: Date;
  /** `undefined` while it runs. */
  readonly completed: Date | undefined;
  readonly local: LocalBuild | undefined;
  /** All that the engine tells. */
  readonly wire: HistoryRecord;
}

/** gRPC's number for "canceled". */
const canceledCode = 1;

/** The builds of all nodes, those under way first, then newest first. */
export async function queryBuilds(
  place: HistoryPlace,
  query: HistoryQuery,
  options: CallControl,
): Promise<readonly BuildRecord[]> {
  const byNode = await Promise.all(
    place.nodes.map(async (node) => {
      const records = await node.client.history(query, options);
      return await Promise.all(records.map((wire) => toRecord(place, node, wire)));
    }),
  );
  const isRunning = ({ completed }: BuildRecord) => Number(completed === undefined);
  return byNode.flat().toSorted((a, b) => isRunning(b) - isRunning(a) || b.created.getTime() - a.created.getTime());
}

/** How long a build took, or has taken so far, in nanoseconds. */
export function durationNs({ wire }: BuildRecord, now: Date): bigint {
  const ns = (time: { seconds: bigint; nanos: number }) => time.seconds * 1_000_000_000n + BigInt(time.nanos);
  const { CreatedAt, CompletedAt } = wire;
  if (!CreatedAt) return 0n;
  return (CompletedAt ? ns(CompletedAt) : BigInt(now.getTime()) * 1_000_000n) - ns(CreatedAt);
}

async function toRecord(place: HistoryPlace, node: HistoryNode, wire: HistoryRecord): Promise<BuildRecord> {
  const local = await place.localBuild(node.name, wire.Ref);
  return {
    node,
    ref: wire.Ref,
    fullRef: `${place.builder}/${node.name}/${wire.Ref}`,
    name: buildName(wire.FrontendAttrs, local),
    status: statusOf(wire),
    created: new Date(wire.CreatedAt ? timestampMs(wire.CreatedAt) : 0),
    completed: wire.CompletedAt && new Date(timestampMs(wire.CompletedAt)),
    local,
    wire,
  };
}

function statusOf({ CompletedAt, error }: HistoryRecord): BuildStatus {
  if (!CompletedAt) return "running";
  if (!error) return "completed";
  return error.code === canceledCode ? "canceled" : "failed";
}

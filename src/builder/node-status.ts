import { BuildError, messageOf } from "../base/errors/mod.ts";
import type { BuildKitClient, CallControl, WorkerRecord } from "../client/mod.ts";
import { formatPlatform, normalizePlatform, type Platform } from "../oci/mod.ts";
import type { Builder } from "./builder.ts";
import type { Builders } from "./builders.ts";
import { clientOf } from "./connect-node.ts";
import type { Driver, NodeState } from "./driver.ts";
import type { BuilderNode } from "./store/mod.ts";

/** A node with its driver, or why it has none. */
export interface OpenNode {
  readonly node: BuilderNode;
  readonly driver?: Driver | undefined;
  readonly error?: unknown;
}

/** What a node's engine says of itself. */
export interface NodeStatus {
  readonly state: NodeState;
  /** The engine's; absent when it does not run. */
  readonly version?: string | undefined;
  readonly workerIds: readonly string[];
  /** Those that are fixed for the node first, then the engine's; each once. */
  readonly platforms: readonly Platform[];
  readonly labels: Readonly<Record<string, string>>;
  readonly gcPolicy: WorkerRecord["GCPolicy"];
  readonly devices: WorkerRecord["CDIDevices"];
  /** Of each engine that the node is made of, the platforms that it is there for. @see Driver.instances */
  readonly instances?: readonly (readonly Platform[])[] | undefined;
}

/** A node that was asked how it is; without `status` there is an `error`. */
export interface LoadedNode extends OpenNode {
  readonly status?: NodeStatus | undefined;
}

/** A builder whose nodes were asked. */
export interface LoadedBuilder {
  readonly builder: Builder;
  readonly nodes: readonly LoadedNode[];
  /** Why there is nothing to say of it at all: the Docker Engine that it stands for is not there. */
  readonly error?: unknown;
}

/** Makes the drivers of all nodes; one that cannot be made does not keep the others from it. */
export async function openNodes(builders: Builders, builder: Builder): Promise<readonly OpenNode[]> {
  return await Promise.all(
    builder.nodes.map(async (node): Promise<OpenNode> => {
      try {
        return { node, driver: await builders.openDriver(builder, node) };
      } catch (error) {
        return { node, error };
      }
    }),
  );
}

/** Asks all nodes at the same time how they are. Never throws, unless `signal` aborts: what fails is part of the answer. */
export async function loadBuilder(
  builders: Builders,
  builder: Builder,
  options: { readonly signal: AbortSignal; readonly timeoutMs: number | undefined },
): Promise<LoadedBuilder> {
  const opened = await openNodes(builders, builder);
  const nodes = await Promise.all(opened.map((node) => loadNode(node, options)));
  const [only] = nodes;
  return builder.origin === "context" && only?.error !== undefined
    ? { builder, nodes, error: only.error }
    : { builder, nodes };
}

/**
 * A builder as it is shown: where engines come and go by themselves and all nodes run, one entry for each engine; its node's name stands for it.
 */
export function withInstances(loaded: LoadedBuilder): LoadedBuilder {
  const { builder, nodes } = loaded;
  if (nodes.length === 0 || !nodes.every(({ status }) => status?.instances?.length)) return loaded;
  const shown = nodes.flatMap((node) =>
    (node.status?.instances ?? []).map(
      (platforms): LoadedNode =>
        node.status && platforms.length > 0 ? { ...node, status: { ...node.status, platforms } } : node,
    ),
  );
  return { ...loaded, builder: { ...builder, dynamic: true }, nodes: shown };
}

/** Asks one node how it is, for a limited time. */
export async function loadNode(
  open: OpenNode,
  options: { readonly signal: AbortSignal; readonly timeoutMs: number | undefined },
): Promise<LoadedNode> {
  const { node, driver } = open;
  if (!driver) return open;
  const { signal, timeoutMs } = options;
  const limit = new AbortController();
  const late = () => limit.abort(new BuildError("deadline_exceeded", lateMessage(timeoutMs ?? 0)));
  const timer = timeoutMs ? setTimeout(late, timeoutMs) : undefined;
  try {
    const both = AbortSignal.any([signal, limit.signal]);
    return { ...open, status: await abortable(statusOf(node, driver, both), both) };
  } catch (error) {
    signal.throwIfAborted();
    return { ...open, error };
  } finally {
    clearTimeout(timer);
  }
}

async function statusOf(node: BuilderNode, driver: Driver, signal: AbortSignal): Promise<NodeStatus> {
  const { answersWithinMs } = driver;
  const state = answersWithinMs === undefined ? await driver.state({ signal }) : "running";
  // an engine that is there without being made has no reason not to answer: booting starts nothing, and tells why
  if (driver.kind === "docker" && state !== "running") await driver.boot({ signal });
  const silent = { platforms: unique(node.platforms), workerIds: [], labels: {}, gcPolicy: [], devices: [] };
  if (state !== "running") return { state, ...silent };
  await using client = clientOf(driver);
  const workers = client.listWorkers({ signal });
  const instances = driver.instances?.({ signal });
  for (const asked of [workers, instances]) asked?.catch(() => undefined); // they count only when the engine says who it is
  let version: string | undefined;
  try {
    version = await engineVersion(client, driver, { signal, timeoutMs: answersWithinMs });
  } catch {
    signal.throwIfAborted();
    if (answersWithinMs !== undefined) return { state: "inactive", ...silent };
  }
  const records = await workers.catch((error: unknown) => {
    signal.throwIfAborted();
    throw new BuildError("unavailable", `listing workers: ${messageOf(error)}`, { cause: error });
  });
  const [first] = records;
  return {
    state,
    version,
    workerIds: records.map(({ ID }) => ID).toSorted(),
    platforms: unique([...node.platforms, ...records.flatMap(platformsOf)]),
    labels: first?.Labels ?? {},
    gcPolicy: first?.GCPolicy ?? [],
    devices: records.at(-1)?.CDIDevices ?? [],
    instances: await instances,
  };
}

/** @throws {BuildError} when the engine does not answer; one that is too old for the question does */
async function engineVersion(
  client: BuildKitClient,
  driver: Driver,
  options: CallControl,
): Promise<string | undefined> {
  try {
    return (await client.info(options))?.version;
  } catch (error) {
    if (!(error instanceof BuildError) || error.code !== "unimplemented") throw error;
    const { signal } = options;
    return signal && (await driver.version?.({ signal }));
  }
}

/** The platforms that a worker says it builds for. */
export function platformsOf({ platforms }: WorkerRecord): readonly Platform[] {
  return platforms.map(({ OS, Architecture, Variant, OSVersion }) =>
    normalizePlatform({ os: OS, architecture: Architecture, variant: Variant, osVersion: OSVersion }),
  );
}

function unique(platforms: readonly Platform[]): readonly Platform[] {
  return [...new Map(platforms.map((platform) => [formatPlatform(platform), platform])).values()];
}

/** `work`, or the abort if that is first: a driver may wait in a place where no signal reaches it. */
async function abortable<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const onAbort = () => reject(signal.reason);
  signal.addEventListener("abort", onAbort, { once: true });
  if (signal.aborted) onAbort();
  try {
    return await Promise.race([work, promise]);
  } finally {
    signal.removeEventListener("abort", onAbort);
    promise.catch(() => undefined);
    work.catch(() => undefined);
  }
}

function lateMessage(timeoutMs: number): string {
  return `no answer within ${timeoutMs / 1000} s: context deadline exceeded`;
}

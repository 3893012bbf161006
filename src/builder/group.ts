import { BuildError } from "../base/errors/mod.ts";
import { formatPlatform, type Platform } from "../oci/mod.ts";
import { type BuilderNode, type BuilderRecord, validName } from "./store/mod.ts";

/** What `create` asks of one node. What is `undefined` was not said: a node that is there keeps its own. */
export interface NodeChange {
  /** Empty: a new node gets the builder's name and the first free number. */
  readonly name: string;
  readonly endpoint: string;
  /** Whether somebody asked for this endpoint, so that a node that is there moves to it. */
  readonly endpointGiven: boolean;
  readonly append: boolean;
  readonly platforms: readonly Platform[];
  readonly flags: readonly string[] | undefined;
  readonly driverOpts: Readonly<Record<string, string>> | undefined;
  readonly files: Readonly<Record<string, Uint8Array>> | undefined;
}

/** A builder after a change. */
export interface ChangedBuilder {
  readonly record: BuilderRecord;
  /** The node that is new or other than before. */
  readonly node: BuilderNode;
  /** It was there already, and may have to be started again to become what was asked for. */
  readonly needsRestart: boolean;
}

/**
 * Adds a node to a builder, or changes the one of that name. Platforms that are fixed for it are taken from the builder's other nodes.
 * @throws {BuildError} when the node is missing and not to be appended, or its endpoint is another node's already
 */
export function changeNode(record: BuilderRecord, change: NodeChange): ChangedBuilder {
  if (record.dynamic) throw invalid("dynamic node group does not support Update");
  const at = record.nodes.findIndex(({ name }) => name === change.name);
  const old = record.nodes[at];
  if (!old && !change.append && record.nodes.length > 0) {
    throw invalid(`node ${change.name} not found, did you mean to append?`);
  }
  const node = old ? changed(old, change) : created(record, change);
  const index = old ? at : record.nodes.length;
  const claimed = new Set(node.platforms.map(formatPlatform));
  const others = (nodes: readonly BuilderNode[]): BuilderNode[] =>
    nodes.map((other) => ({ ...other, platforms: other.platforms.filter((p) => !claimed.has(formatPlatform(p))) }));
  const nodes = [...others(record.nodes.slice(0, index)), node, ...others(record.nodes.slice(index + 1))];
  if (nodes.filter(({ endpoint }) => endpoint === change.endpoint).length > 1) {
    throw invalid(`invalid duplicate endpoint ${change.endpoint}`);
  }
  const needsRestart =
    old !== undefined &&
    (change.endpointGiven ||
      change.flags !== undefined ||
      change.driverOpts !== undefined ||
      change.files !== undefined);
  return { record: { ...record, nodes }, node, needsRestart };
}

/** Takes a node away. @throws {BuildError} when there is none of that name, or no other */
export function leaveNode(record: BuilderRecord, name: string): BuilderRecord {
  if (record.dynamic) throw invalid("dynamic node group does not support Leave");
  const nodes = record.nodes.filter((node) => node.name !== name);
  if (nodes.length === record.nodes.length) {
    throw new BuildError("not_found", `node ${JSON.stringify(name)} not found for ${record.name}`);
  }
  if (nodes.length === 0) throw invalid("can not leave last node, do you want to rm instance instead?");
  return { ...record, nodes };
}

function changed(node: BuilderNode, change: NodeChange): BuilderNode {
  return {
    ...node,
    endpoint: change.endpointGiven ? change.endpoint : node.endpoint,
    platforms: change.platforms.length > 0 ? change.platforms : node.platforms,
    flags: change.flags ?? node.flags,
    driverOpts: change.driverOpts ?? node.driverOpts,
    files: { ...node.files, ...change.files },
  };
}

function created(record: BuilderRecord, change: NodeChange): BuilderNode {
  const taken = new Set(record.nodes.map(({ name }) => name));
  let free = 0;
  while (taken.has(`${record.name}${free}`)) free++;
  return {
    name: validName(change.name || `${record.name}${free}`),
    endpoint: change.endpoint,
    platforms: change.platforms,
    flags: change.flags ?? [],
    driverOpts: change.driverOpts ?? {},
    files: change.files ?? {},
  };
}

function invalid(message: string): BuildError {
  return new BuildError("invalid_argument", message);
}

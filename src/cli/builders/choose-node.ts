import { BuildError } from "../../base/errors/mod.ts";
import {
  assignPlatforms,
  type Builder,
  type Builders,
  type Driver,
  loadBuilder,
  type OpenNode,
  openNodes,
  type Share,
} from "../../builder/mod.ts";
import { formatPlatform, type Platform } from "../../oci/mod.ts";
import type { ProgressMode } from "../../progress/mod.ts";
import type { CliContext } from "../context.ts";
import { bootWithProgress } from "./boot.ts";

/** The node that is to work, and how it is reached. */
export interface ChosenNode {
  readonly node: string;
  readonly driver: Driver;
}

/** How long nodes may take to say what they build for. */
const statusTimeoutMs = 20_000;

/**
 * The one node that builds for all of `platforms`. Engines are only started to ask them when what was fixed at creation does not tell.
 * @throws {BuildError} when the platforms belong to several nodes, and what the chosen node's driver refuses
 */
export async function chooseNode(
  builders: Builders,
  builder: Builder,
  options: {
    readonly platforms: readonly Platform[];
    readonly context: CliContext;
    /** How the start of engines is shown. */
    readonly mode?: ProgressMode;
  },
): Promise<ChosenNode> {
  const { platforms, context, mode } = options;
  const nodes = await openNodes(builders, builder);
  if (nodes.every(({ driver }) => !driver)) throw noDriver(nodes);
  const fixed = nodes.map(({ node }) => ({ fixed: node.platforms, detected: undefined }));
  let { shares, unmatched } = assignPlatforms(platforms, fixed);
  if (unmatched.length > 0 && nodes.length > 1) {
    const load = () => loadBuilder(builders, builder, { signal: context.signal, timeoutMs: statusTimeoutMs });
    let loaded = await load();
    if (await bootWithProgress(loaded.nodes, context, mode)) loaded = await load();
    const detected = loaded.nodes.map(({ node, status }) => ({
      fixed: node.platforms,
      detected: status?.platforms ?? [],
    }));
    ({ shares, unmatched } = assignPlatforms(platforms, detected));
  }
  if (shares.length > 1) throw severalNodes(builder, shares);
  const chosen = nodes[shares[0]?.node ?? 0];
  if (!chosen?.driver) throw chosen?.error ?? new Error("Internal error: a builder without nodes");
  return { node: chosen.node.name, driver: chosen.driver };
}

function severalNodes(builder: Builder, shares: readonly Share[]): BuildError {
  const parts = shares.map(
    ({ node, platforms }) => `${platforms.map(formatPlatform).join(", ")} on ${builder.nodes[node]?.name}`,
  );
  return new BuildError(
    "invalid_argument",
    `the platforms belong to several nodes of builder ${JSON.stringify(builder.name)} (${parts.join("; ")}), and this works on one node at a time: name only platforms of one of them`,
  );
}

/** Why a builder without a single usable node cannot be used. */
export function noDriver(nodes: readonly OpenNode[]): unknown {
  return nodes.length === 1
    ? nodes[0]?.error
    : new AggregateError(
        nodes.map(({ error }) => error),
        `no valid drivers found: ${String(nodes[0]?.error)}`,
      );
}

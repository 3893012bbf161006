import { formatPlatform, normalizePlatform, type Platform, platformMatcher } from "../oci/mod.ts";

/** What is known of a node. */
export interface AssignableNode {
  /** Fixed by `--platform`. */
  readonly fixed: readonly Platform[];
  /** What its engine says it builds for; `undefined` when nobody has asked. */
  readonly detected: readonly Platform[] | undefined;
}

/** One node's share of a build. */
export interface Share {
  /** Index of the node. */
  readonly node: number;
  /** Empty: the node's own. */
  readonly platforms: readonly Platform[];
}

/** A platform that no node builds natively or by emulation, as far as they say; it goes to the first node. */
export interface Assignment {
  readonly shares: readonly Share[];
  /** Platforms that no node is known to build for. */
  readonly unmatched: readonly Platform[];
}

/**
 * Gives each platform to a node, in the order of the nodes: to the first for which exactly this platform was fixed, else to the one that builds
 * the best stand-in for it (the same architecture, the nearest variant), fixed ones before detected ones, else to the first node.
 *
 * Ask first with `detected` left out: as long as nothing is unmatched, no engine has to be started to find out.
 */
export function assignPlatforms(platforms: readonly Platform[], nodes: readonly AssignableNode[]): Assignment {
  if (platforms.length === 0) return { shares: [{ node: 0, platforms: [] }], unmatched: [] };
  const wanted = [...new Map(platforms.map((p) => [formatPlatform(p), normalizePlatform(p)])).values()];
  const unmatched: Platform[] = [];
  const byNode = new Map<number, Platform[]>();
  const isKnown = nodes.some(({ detected }) => detected !== undefined);
  const claimed = new Set(nodes.flatMap(({ fixed }) => fixed.map(formatPlatform)));
  for (const platform of wanted) {
    const found = exactlyFixed(platform, nodes) ?? (isKnown ? bestNode(platform, nodes, claimed) : undefined);
    if (found === undefined) unmatched.push(platform);
    const node = found ?? 0;
    byNode.set(node, [...(byNode.get(node) ?? []), platform]);
  }
  const shares = [...byNode].map(([node, share]) => ({ node, platforms: share }));
  return { shares: shares.toSorted((a, b) => a.node - b.node), unmatched };
}

function exactlyFixed(platform: Platform, nodes: readonly AssignableNode[]): number | undefined {
  const name = formatPlatform(platform);
  const at = nodes.findIndex(({ fixed }) => fixed.some((candidate) => formatPlatform(candidate) === name));
  return at < 0 ? undefined : at;
}

/** @param claimed platforms that were fixed for some node, and so are no other's */
function bestNode(
  platform: Platform,
  nodes: readonly AssignableNode[],
  claimed: ReadonlySet<string>,
): number | undefined {
  const matcher = platformMatcher(platform);
  const candidates = nodes.flatMap(({ fixed, detected = [] }, node) => [
    ...fixed.map((candidate) => ({ node, candidate })),
    ...detected.filter((p) => !claimed.has(formatPlatform(p))).map((candidate) => ({ node, candidate })),
  ]);
  const fitting = candidates.filter(
    ({ candidate }) => candidate.architecture === matcher.wanted.architecture && matcher.matches(candidate),
  );
  return fitting.toSorted((a, b) => matcher.compare(a.candidate, b.candidate) || a.node - b.node)[0]?.node;
}

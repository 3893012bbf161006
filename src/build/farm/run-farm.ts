import { TaskGroup } from "../../base/async/mod.ts";
import { BuildError, messageOf } from "../../base/errors/mod.ts";
import { assignPlatforms } from "../../builder/mod.ts";
import { formatPlatform, parsePlatform, type Platform } from "../../oci/mod.ts";
import type { PreparedBuild } from "../prepare-build.ts";
import type { BuildResult } from "../result.ts";
import { type BuildSurroundings, runBuild } from "../run-build.ts";
import type { FarmNode } from "./farm-node.ts";
import { type DoneShare, type MergeImages, mergePushed } from "./merge.ts";
import { NodeLostError } from "./node-lost.ts";
import { type Claims, NodeProgress } from "./node-progress.ts";
import { type FarmPlan, planFarm, shareOf } from "./plan-farm.ts";
import { type WatchTimes, watched } from "./watch.ts";
import { unlessAborted } from "./within.ts";

/** What {@link runFarm} works with. */
export interface FarmSurroundings extends Omit<BuildSurroundings, "client" | "builder"> {
  /** Name of the builder. */
  readonly builder: string;
  /** Its nodes, in their order. */
  readonly nodes: readonly FarmNode[];
  readonly merge: MergeImages;
  /** Told that {@link merge} will be wanted, when all nodes have been asked for their shares: there is nothing else to do until they answer. */
  readonly expectMerge?: () => void;
  readonly watchTimes?: WatchTimes;
}

/** What a build on several nodes gave. */
export interface FarmResult extends BuildResult {
  /** Names of the nodes that did a share, in the builder's order. */
  readonly workers: readonly string[];
}

/** A share as it is given to a node; no platforms means the node's own. */
interface Share {
  readonly node: FarmNode;
  readonly platforms: readonly Platform[];
}

/**
 * Has the nodes of a builder build what was prepared, each the platforms that are its own, and makes one image of what they push.
 * @throws {BuildError} the first failure; {@link NodeLostError} in it when there is no other node that can do a lost one's share
 */
export async function runFarm(build: PreparedBuild, surroundings: FarmSurroundings): Promise<FarmResult> {
  return await new Farm(build, surroundings).run();
}

class Farm {
  readonly #build: PreparedBuild;
  readonly #surroundings: FarmSurroundings;
  readonly #lost = new Map<FarmNode, NodeLostError>();
  readonly #claims: Claims = new Map();
  readonly #progress = new Map<FarmNode, NodeProgress>();
  /** Shares that no node has begun. */
  #waiting = 0;
  constructor(build: PreparedBuild, surroundings: FarmSurroundings) {
    this.#build = build;
    this.#surroundings = surroundings;
  }

  async run(): Promise<FarmResult> {
    const { signal } = this.#surroundings;
    const platforms = (this.#build.attrs.platform ?? "")
      .split(",")
      .filter(Boolean)
      .map((text) => parsePlatform(text));
    for (;;) {
      const shares = await this.#assign(platforms);
      const [only] = shares;
      if (shares.length > 1 || !only) return await this.#several(shares, platforms);
      try {
        const result = await this.#solve(this.#build, only, { signal, alone: true });
        return { ...result, workers: [only.node.name] };
      } catch (error) {
        if (!(error instanceof NodeLostError)) throw error;
        // What went to stdout cannot be taken back.
        if (this.#build.outputs.some(({ target }) => target.type === "stdout")) throw error;
        this.#lose(only.node, error);
      }
    }
  }

  async #several(shares: readonly Share[], platforms: readonly Platform[]): Promise<FarmResult> {
    const { signal, nodes } = this.#surroundings;
    const plan = planFarm(this.#build);
    this.#waiting = plan.pushed ? shares.length : 0;
    const done = await this.#all(plan, shares, signal);
    const inOrder = done.toSorted((a, b) => nodes.indexOf(a.node) - nodes.indexOf(b.node));
    const workers = [...new Set(inOrder.map(({ node }) => node.name))];
    if (!plan.pushed) {
      // Each part is for its node alone; docker buildx, too, tells of one of them.
      return { ref: "", response: {}, ...inOrder[0]?.result, workers };
    }
    const merged = await mergePushed(plan.pushed, inOrder, { ...this.#surroundings, order: platforms });
    return { ref: "", response: { "containerimage.digest": merged.digest }, workers };
  }

  async #all(plan: FarmPlan, shares: readonly Share[], signal: AbortSignal): Promise<readonly Done[]> {
    await using group = new TaskGroup({ signal });
    const done = await group.all(shares.map((share) => (task) => this.#share(plan, share, task.signal)));
    return done.flat();
  }

  /** Has a share done, by another node where its own is lost. */
  async #share(plan: FarmPlan, share: Share, signal: AbortSignal): Promise<readonly Done[]> {
    try {
      const part = shareOf(this.#build, plan, share.platforms);
      return [{ node: share.node, result: await this.#solve(part, share, { signal, alone: false }) }];
    } catch (error) {
      if (!(error instanceof NodeLostError) || signal.aborted) throw error;
      this.#lose(share.node, error);
    }
    return await this.#all(plan, await this.#assign(share.platforms), signal);
  }

  async #solve(
    build: PreparedBuild,
    { node, platforms }: Share,
    { signal, alone }: { readonly signal: AbortSignal; readonly alone: boolean },
  ): Promise<BuildResult> {
    const { onEvent, now, watchTimes: times, builder } = this.#surroundings;
    const client = await unlessAborted(signal, node.client());
    const progress = this.#progressOf(node);
    if (!alone) progress.owns(platforms);
    let isOver = false;
    try {
      const work = (options: { readonly signal: AbortSignal }) =>
        runBuild(build, {
          ...this.#surroundings,
          client,
          builder: { name: builder, node: node.name },
          signal: options.signal,
          onStart: async (started) => {
            if (--this.#waiting === 0) this.#surroundings.expectMerge?.();
            await this.#surroundings.onStart?.(started);
          },
          onEvent: (event) => {
            if (isOver) return;
            if (alone) onEvent(event);
            else if (event.type === "status") onEvent({ type: "status", status: progress.status(event.status) });
            else onEvent({ type: "step", step: progress.step(event.step) });
          },
        });
      return await watched(node, { client, signal, ...(times ? { times } : {}) }, work);
    } catch (error) {
      if (error instanceof NodeLostError) {
        isOver = true;
        const status = progress.abandon(now());
        if (status) onEvent({ type: "status", status });
        void node[Symbol.asyncDispose]().catch(() => undefined);
      }
      throw error;
    }
  }

  /**
   * Gives platforms to nodes that are there. Nodes are only asked what they build for when what was fixed for them does not tell.
   * @throws {BuildError} when a lost node was the only one for some platform
   */
  async #assign(platforms: readonly Platform[]): Promise<readonly Share[]> {
    const { nodes } = this.#surroundings;
    const [first] = nodes;
    if (platforms.length === 0 && first) {
      const lost = this.#lost.get(first);
      if (!lost) return [{ node: first, platforms: [] }];
      throw explained(lost, "it is the node for builds without --platform");
    }
    const alive = this.#alive();
    const fixed = alive.map((node) => ({ fixed: node.fixed, detected: undefined }));
    const assigned = alive.length > 0 ? assignPlatforms(platforms, fixed) : { shares: [], unmatched: platforms };
    if (assigned.unmatched.length === 0) return shareOut(assigned.shares, alive);
    const answers = await Promise.allSettled(alive.map((node) => node.platforms()));
    const known = answers.flatMap((answer, at) => {
      const node = alive[at] as FarmNode;
      if (this.#lost.has(node)) return []; // by another share, meanwhile
      if (answer.status === "fulfilled") return [{ node, fixed: node.fixed, detected: answer.value }];
      if (!(answer.reason instanceof NodeLostError)) throw answer.reason;
      this.#lose(node, answer.reason);
      return [];
    });
    const working = known.map(({ node }) => node);
    const { shares, unmatched } =
      known.length > 0 ? assignPlatforms(platforms, known) : { shares: [], unmatched: platforms };
    const lost = [...this.#lost.values()];
    if (unmatched.length > 0 && lost.length > 0) throw this.#unable(unmatched, lost);
    for (const platform of unmatched) this.#tell(this.#guess(platform));
    return shareOut(shares, working);
  }

  #alive(): readonly FarmNode[] {
    return this.#surroundings.nodes.filter((node) => !this.#lost.has(node));
  }

  /** Remembers that a node is no longer there, and says so at once. */
  #lose(node: FarmNode, error: NodeLostError): void {
    if (this.#lost.has(node)) return;
    this.#lost.set(node, error);
    this.#tell(error.message);
  }

  #tell(name: string): void {
    const { onEvent, now } = this.#surroundings;
    onEvent({ type: "step", step: { id: name, name, started: now(), completed: now() } });
  }

  #guess(platform: Platform): string {
    const { builder, nodes } = this.#surroundings;
    return `WARNING: no node of builder ${JSON.stringify(builder)} is known to build for ${formatPlatform(platform)}; the first, ${JSON.stringify(nodes[0]?.name)}, will try`;
  }

  #unable(platforms: readonly Platform[], lost: readonly NodeLostError[]): BuildError {
    const names = platforms.map(formatPlatform).join(", ");
    const builder = JSON.stringify(this.#surroundings.builder);
    const why = lost.map(messageOf).join("; ");
    return new BuildError("unavailable", `no node of builder ${builder} is left that builds for ${names}: ${why}`, {
      cause: lost[0],
    });
  }

  #progressOf(node: FarmNode): NodeProgress {
    let found = this.#progress.get(node);
    if (!found) this.#progress.set(node, (found = new NodeProgress(node.name, this.#claims)));
    return found;
  }
}

type Done = DoneShare & { readonly node: FarmNode };

function shareOut(
  shares: readonly { readonly node: number; readonly platforms: readonly Platform[] }[],
  nodes: readonly FarmNode[],
): readonly Share[] {
  return shares.map(({ node, platforms }) => ({ node: nodes[node] as FarmNode, platforms }));
}

function explained(lost: NodeLostError, why: string): BuildError {
  return new BuildError("unavailable", `${lost.message} (${why})`, { cause: lost });
}

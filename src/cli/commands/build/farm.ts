import { BuildError } from "../../../base/errors/mod.ts";
import { parseGoBool } from "../../../base/text/go-values/mod.ts";
import { FarmNode, type FarmSurroundings, type PreparedBuild } from "../../../build/mod.ts";
import type { OpenNode, RegistrySettings } from "../../../builder/mod.ts";
import { knownSource, lookPatiently, mergeImage, pushCompatibly, resolveSource } from "../../../imagetools/mod.ts";
import type { SolveStatus } from "../../../progress/mod.ts";
import { formChangeWarning } from "../../../registry/mod.ts";
import { bootStatus } from "../../builders/boot-status.ts";
import type { CliContext } from "../../context.ts";
import { registryOf } from "../../registry.ts";

/** Nodes of a builder as a build uses them: each shows its start under its own name. */
export function farmNodes(
  opened: readonly OpenNode[],
  options: {
    readonly now: () => Date;
    readonly signal: AbortSignal;
    readonly update: (status: SolveStatus) => void;
  },
): { readonly nodes: readonly FarmNode[] } & AsyncDisposable {
  const { now, signal, update } = options;
  const nodes = opened.map(
    (open) => new FarmNode(open, { signal, onBoot: bootStatus({ now, update, node: open.node.name }) }),
  );
  return {
    nodes,
    [Symbol.asyncDispose]: async () => {
      await Promise.all(nodes.map((node) => node[Symbol.asyncDispose]()));
    },
  };
}

/** Makes one image of what nodes have pushed, as the user of this machine. @param settings what the first node was told of registries, by host */
export function mergeImages(
  context: CliContext,
  settings: ReadonlyMap<string, RegistrySettings>,
): FarmSurroundings["merge"] {
  return async ({ sources, targets, annotations, byDigest, insecure, mayChangeFormat, order, signal }) => {
    const registry = await registryOf(context, {
      hosts: (host) => ({ ...settings.get(host), ...(insecure ? { insecure: true, plainHttp: true } : {}) }),
    });
    try {
      const found = await Promise.all(
        sources.map(async (source) => {
          const look = () => resolveSource(registry, source, { signal });
          return knownSource(source) ?? (await lookPatiently(look, { signal }));
        }),
      );
      const how = { annotations, order, preferIndex: false, justPushed: true, signal };
      const merged = await mergeImage(registry, found, how);
      const pushed = await pushCompatibly(registry, merged, targets, { mayChangeFormat, byDigest, signal });
      const { descriptor, changed } = pushed;
      return { descriptor, ...(changed ? { warning: formChangeWarning(changed.refused, changed.change) } : {}) };
    } catch (error) {
      // The step says already what was to be pushed where.
      throw error instanceof BuildError && error.cause instanceof BuildError ? error.cause : error;
    } finally {
      await registry.close();
    }
  };
}

/** What there is to say of images that nobody can use as one: each node keeps its own part. */
export function warnOfParts({ outputs }: PreparedBuild, workers: readonly string[]): string {
  const isKept = outputs.some(({ exporter, attrs: { push } }) => exporter === "image" && !isSet(push));
  if (workers.length < 2 || !isKept) return "";
  return `WARNING: Each of the nodes ${workers.join(", ")} keeps its part of the image. To make one image of them use --push\n`;
}

function isSet(value: string | undefined): boolean {
  return value !== undefined && (value === "" || parseGoBool(value) === true);
}

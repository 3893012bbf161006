import { BuildError } from "../base/errors/mod.ts";
import type { BootEvent } from "./driver.ts";
import type { LoadedNode } from "./node-status.ts";

/**
 * Starts those of some nodes that do not run, all at the same time. A node that could not be asked is left alone.
 * @returns whether there was one to start
 * @throws the first failure, after all have ended
 */
export async function bootNodes(
  nodes: readonly LoadedNode[],
  options: { readonly signal: AbortSignal; readonly onEvent?: (node: string, event: BootEvent) => void },
): Promise<boolean> {
  const { signal, onEvent } = options;
  const waiting = nodes.filter(({ driver, status }) => driver && status && status.state !== "running");
  const results = await Promise.allSettled(
    waiting.map(async ({ node, driver }) => {
      if (!driver) throw new BuildError("internal", "a node without a driver");
      await driver.boot({ signal, onEvent: (event) => onEvent?.(node.name, event) });
    }),
  );
  const failed = results.find((result) => result.status === "rejected");
  if (failed) throw failed.reason;
  return waiting.length > 0;
}

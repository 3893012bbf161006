import { bootNodes, type LoadedNode } from "../../builder/mod.ts";
import { chooseMode, openDisplay, type ProgressMode } from "../../progress/mod.ts";
import type { CliContext } from "../context.ts";
import { bootStatus } from "./boot-status.ts";

/** Starts nodes that do not run, with progress on stderr. @returns whether there was one. @throws the first failure */
export async function bootWithProgress(
  nodes: readonly LoadedNode[],
  { env, now, signal, stderr }: CliContext,
  mode: ProgressMode = chooseMode("auto", { env, isTty: stderr.isTTY === true }),
): Promise<boolean> {
  const waiting = nodes.filter(({ driver, status }) => driver && status && status.state !== "running");
  if (waiting.length === 0) return false;
  const display = openDisplay({ mode, output: stderr, env, now });
  const listeners = new Map(
    waiting.map(({ node }) => {
      const update = display.update.bind(display);
      return [node.name, bootStatus({ now, update, node: waiting.length > 1 ? node.name : undefined })] as const;
    }),
  );
  try {
    return await bootNodes(waiting, { signal, onEvent: (node, event) => listeners.get(node)?.(event) });
  } finally {
    display.finish();
  }
}

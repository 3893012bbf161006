import { BuildError } from "../../../base/errors/mod.ts";
import type { ForwardedAgent } from "../../../session/mod.ts";
import type { OpEnvironment } from "../environment.ts";

/**
 * The agent that an ssh mount is to show; `undefined` when there is none and the mount can be left out.
 * @throws {BuildError} `not_found` when there is none
 */
export async function sshAgentOf(
  environment: OpEnvironment,
  { id, optional }: { readonly id: string; readonly optional: boolean },
  signal: AbortSignal,
): Promise<ForwardedAgent | undefined> {
  try {
    if (environment.sshAgent) return await environment.sshAgent(id, { signal });
    throw new BuildError("not_found", `no SSH key ${JSON.stringify(id || "default")} forwarded from the client`);
  } catch (error) {
    if (optional && error instanceof BuildError && error.code === "not_found") return undefined;
    throw error;
  }
}

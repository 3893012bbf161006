import type { Duplex } from "node:stream";
import { ssh } from "../../api/mod.ts";
import { BuildError } from "../../base/errors/mod.ts";
import { pathOf } from "../../rpc/mod.ts";
import { agentHeader, defaultAgent } from "../agent-id.ts";
import { tunnel } from "../tunnel.ts";
import type { SessionCaller } from "./session-caller.ts";

/** An ssh agent of a client. */
export interface ForwardedAgent {
  /** Opens a connection to it. */
  connect(options: { readonly signal: AbortSignal }): Promise<Duplex>;
}

/**
 * Finds an ssh agent of a client.
 * @param id empty for the default one
 * @throws {BuildError} `not_found` when the client offers no agent of that id
 */
export async function forwardedAgent(
  caller: SessionCaller,
  id: string,
  options: { readonly signal: AbortSignal },
): Promise<ForwardedAgent> {
  const name = id || defaultAgent;
  try {
    await caller.client(ssh.SSH).checkAgent({ ID: name }, options);
  } catch (cause) {
    options.signal.throwIfAborted();
    if (caller.closed.aborted || !(cause instanceof BuildError)) throw cause;
    const message =
      cause.code === "unimplemented" ? `no SSH key ${JSON.stringify(name)} forwarded from the client` : cause.message;
    throw new BuildError("not_found", message, { cause });
  }
  return {
    connect: async ({ signal }) => {
      const headers = { [agentHeader]: name };
      return tunnel(await caller.channel.start(pathOf(ssh.SSH.method.forwardAgent), { headers, signal }));
    },
  };
}

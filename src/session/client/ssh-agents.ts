import type { Duplex } from "node:stream";
import { ssh } from "../../api/mod.ts";
import { BuildError } from "../../base/errors/mod.ts";
import { pathOf, service } from "../../rpc/mod.ts";
import { agentHeader, defaultAgent } from "../agent-id.ts";
import { tunnel } from "../tunnel.ts";
import type { Attachable } from "./attachable.ts";

/** Offers ssh agents to the engine, by id. Each gets a duplex for each of its connections, and serves it to its end. */
export function sshAgents(agents: Readonly<Record<string, { serve(connection: Duplex): Promise<void> }>>): Attachable {
  const find = (given: string) => {
    const id = given === "" ? defaultAgent : given;
    const agent = Object.hasOwn(agents, id) ? agents[id] : undefined;
    if (!agent) throw new BuildError("not_found", `unset ssh forward key ${id}`);
    return agent;
  };
  return {
    routes: [
      ...service(ssh.SSH, {
        checkAgent: ({ ID }) => {
          find(ID);
          return {};
        },
      }),
      {
        path: pathOf(ssh.SSH.method.forwardAgent),
        run: async (stream, { requestHeaders, signal }) => {
          const agent = find(requestHeaders.get(agentHeader) ?? "");
          stream.sendHeaders();
          const connection = tunnel(stream);
          signal.addEventListener("abort", () => connection.destroy(), { once: true });
          await agent.serve(connection);
        },
      },
    ],
  };
}

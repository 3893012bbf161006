import { type Command, defineCommand } from "../command.ts";

const certsCommand = defineCommand({
  name: "certs",
  summary: "Write certificates for an engine that listens on TCP, and for its clients",
  usage: "[OPTIONS] [DIRECTORY]",
  args: { min: 0, max: 1 },
  completeArgs: "directory",
  flags: {
    san: {
      kind: "slice",
      usage: "DNS names and IP addresses that the engine is reached by (default: this machine's name, localhost)",
    },
    client: { kind: "string", usage: "Name in the client's certificate", default: "client" },
    days: { kind: "int", usage: "Days for which the engine's and the client's certificates are valid (default 825)" },
    force: { kind: "bool", usage: "Overwrite the engine's and the client's certificates; the authority is kept" },
  },
  run: async (invocation) => (await import("./daemon-certs.ts")).runCerts(invocation),
});

/** `daemon`: what is done once for an engine that runs as a server. */
export const daemonCommand: Command = {
  name: "daemon",
  summary: "Commands to set up engines as servers",
  flags: {},
  commands: [certsCommand],
};

import { defineCommand } from "../command.ts";
import type { FlagTable } from "../flags/flag.ts";

/** The flags of `login`. */
export const loginFlags = {
  password: {
    kind: "string",
    short: "p",
    usage: 'Password or Personal Access Token (PAT), or "-" to read from stdin',
  },
  "password-stdin": { kind: "bool", usage: "Take the Password or Personal Access Token (PAT) from stdin" },
  username: { kind: "string", short: "u", usage: "Username" },
} as const satisfies FlagTable;

/** `login [SERVER]`: tries a login at a registry and keeps it where Docker would. */
export const loginCommand = defineCommand({
  name: "login",
  summary: "Authenticate to a registry",
  usage: "[OPTIONS] [SERVER]",
  args: { min: 0, max: 1 },
  flags: loginFlags,
  run: async (invocation) => (await import("./login-run.ts")).runLogin(invocation),
});

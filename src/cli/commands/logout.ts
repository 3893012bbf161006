import { defineCommand } from "../command.ts";

/** `logout [SERVER]`: forgets the login of a registry. */
export const logoutCommand = defineCommand({
  name: "logout",
  summary: "Log out from a registry",
  usage: "[SERVER]",
  args: { min: 0, max: 1 },
  flags: {},
  run: async ({ context, args }) => {
    const { dockerHubKey, eraseLogin, loginKey } = await import("../../docker/mod.ts");
    const [server = ""] = args;
    const key = loginKey(server);
    context.stdout.write(`Removing login credentials for ${key}\n`);
    // Logins may have been kept under what people typed, or as URLs.
    const keys = key === dockerHubKey ? [key] : [key, server, `http://${key}`, `https://${key}`];
    await eraseLogin([...new Set(keys)], context);
    return 0;
  },
});

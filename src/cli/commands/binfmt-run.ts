import {
  BinfmtTable,
  type Change,
  install,
  supportedPlatforms,
  toInstall,
  toUninstall,
  uninstall,
} from "../../binfmt/mod.ts";
import type { Invocation } from "../command.ts";
import type { binfmtFlags } from "./binfmt.ts";

/** Runs `binfmt`: removes, registers, and shows what runs now, as JSON. Fails when something that was asked for could not be done. */
export async function runBinfmt({ context, flags }: Invocation<typeof binfmtFlags>): Promise<number> {
  const { env, signal, stdout, stderr } = context;
  using table = BinfmtTable.open(flags.mount);
  const changes: Change[] = [];
  const report = (what: string, change: Change) => {
    changes.push(change);
    stderr.write(`${what}: ${change.name} ${change.outcome}\n`);
  };
  const named = flags.install === "all" ? undefined : toInstall(flags.install, [], env);
  for (const name of toUninstall(flags.uninstall, table.names())) report("uninstalling", uninstall(table, name));
  for (const name of named ?? toInstall("all", await supportedPlatforms({ signal }), env))
    report("installing", install(table, name, env));
  const shown = { supported: await supportedPlatforms({ signal }), emulators: table.enabled() };
  stdout.write(`${JSON.stringify(shown, undefined, 2)}\n`);
  return changes.some(({ failed }) => failed) ? 1 : 0;
}

import { createBuilder, leaveBuilder, loadBuilder, selectBuilder } from "../../builder/mod.ts";
import { openBuilders } from "../builder.ts";
import { bootWithProgress } from "../builders/boot.ts";
import type { Invocation } from "../command.ts";
import type { createFlags } from "./create.ts";

/** Runs `create`. Prints the builder's name. */
export async function runCreate({ context, flags, args }: Invocation<typeof createFlags>): Promise<number> {
  const { signal, stdout, stderr, cwd } = context;
  const builders = await openBuilders(context);
  if (flags.leave) {
    await leaveBuilder(builders, { name: flags.name, node: flags.node, signal });
    return 0;
  }
  const { builder, takeBack } = await createBuilder(builders, {
    name: flags.name,
    driver: flags.driver,
    node: flags.node,
    endpoint: args[0] ?? "",
    platforms: flags.platform,
    driverOpts: flags["driver-opt"],
    flags: flags["buildkitd-flags"],
    config: flags["buildkitd-config"] || flags.config,
    append: flags.append,
    use: flags.use && !flags.bootstrap, // what does not start is not selected either
    cwd,
    timeoutMs: flags.timeout,
    signal,
    onWarning: (text) => void stderr.write(`WARNING: ${text}\n`),
  });
  if (flags.bootstrap) {
    try {
      const { nodes } = await loadBuilder(builders, builder, { signal, timeoutMs: flags.timeout });
      await bootWithProgress(nodes, context);
    } catch (error) {
      await takeBack({ signal: new AbortController().signal }); // also after Ctrl-C
      throw error;
    }
    if (flags.use) await selectBuilder(builders, { name: builder.name, global: false, asDefault: false, signal });
  }
  stdout.write(`${builder.name}\n`);
  return 0;
}

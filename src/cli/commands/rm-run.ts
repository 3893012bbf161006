import { messageOf } from "../../base/errors/mod.ts";
import { removeBuilder, removeInactive } from "../../builder/mod.ts";
import { askedBuilder } from "../asked-builder.ts";
import { openBuilders } from "../builder.ts";
import { confirm } from "../builders/prompt.ts";
import type { Invocation } from "../command.ts";
import type { rmFlags } from "./rm.ts";

const warning =
  "WARNING! This will remove all builders that are not in running state. Are you sure you want to continue?";

/** Runs `rm [NAME...]`. Several builders go at the same time; one that does not go does not keep the others. */
export async function runRm(invocation: Invocation<typeof rmFlags>): Promise<number> {
  const { context, flags, args } = invocation;
  const { signal, stderr } = context;
  const allInactive = flags["all-inactive"];
  if (allInactive && args.length > 0) throw new Error("cannot specify builder name when --all-inactive is set");
  if (allInactive && !flags.force && !(await confirm(warning, context))) return 0;
  const builders = await openBuilders(context);
  const options = {
    keepState: flags["keep-state"],
    keepDaemon: flags["keep-daemon"],
    timeoutMs: flags.timeout,
    signal,
  };
  const onRemoved = (name: string) => void stderr.write(`${name} removed\n`);
  if (allInactive) {
    await removeInactive(builders, { ...options, onRemoved });
    return 0;
  }
  const asked = askedBuilder(invocation);
  const names = args.length > 0 ? args : [asked === "" ? (await builders.find("")).name : asked];
  const results = await Promise.allSettled(
    [...new Set(names)].map(async (name) => {
      try {
        await removeBuilder(builders, name, options);
        onRemoved(name);
      } catch (error) {
        signal.throwIfAborted();
        stderr.write(`failed to remove ${name}: ${messageOf(error)}\n`);
        throw error;
      }
    }),
  );
  signal.throwIfAborted();
  if (results.some(({ status }) => status === "rejected")) throw new Error("failed to remove one or more builders");
  return 0;
}

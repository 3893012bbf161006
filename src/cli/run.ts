import { type Command, globalFlags, type Invocation } from "./command.ts";
import type { CliContext } from "./context.ts";
import { exitCodeOf } from "./errors/exit-code.ts";
import type { FlagTable, FlagValues } from "./flags/flag.ts";
import { parseFlags } from "./flags/parse.ts";
import { suggest } from "./flags/suggest.ts";
import { UsageError } from "./flags/usage-error.ts";
import { helpFlag, renderHelp, usageLine } from "./help/help.ts";
import { route } from "./route.ts";

/**
 * Runs one command line: finds the command, parses its flags, runs it, prints what went wrong.
 * @returns the exit code; never throws
 */
export async function runCli(root: Command, argv: readonly string[], context: CliContext): Promise<number> {
  const { command, path, argv: rest, unknown } = route(root, argv);
  const name = path.join(" ");
  let debug = isDebug(context.env.DEBUG);
  try {
    if (unknown !== undefined && !command.run) {
      const instead = command.elsewhere?.[unknown];
      if (instead !== undefined)
        throw new UsageError(`${unknown} is not supported by ${context.program} yet: ${instead}`);
      if (!rest.includes("--help") && !rest.includes("-h")) return showGroup(command, path, [unknown], context);
    }
    const table: FlagTable = { ...command.flags, ...globalFlags, help: helpFlag(command.name) };
    const { values, given, args } = parseFlags(table, rest, { flagsFirst: command.flagsFirst ?? false });
    const globals = values as unknown as FlagValues<typeof globalFlags>;
    debug ||= globals.debug;
    if (values.help === true) {
      context.stdout.write(renderHelp(command, path));
      return 0;
    }
    if (!command.run) return showGroup(command, path, args, context);
    refuseNotYet(command.flags, given, context.program);
    countArgs(command, path, args);
    for (const name of given) {
      const why = command.flags[name]?.noEffect;
      if (why !== undefined) context.stderr.write(`WARNING: --${name} has no effect: ${why}\n`);
    }
    const invocation: Invocation = { context, path: name, flags: values, globals: { ...globals, debug }, given, args };
    return await command.run(invocation);
  } catch (error) {
    // the cancelled signal may have become any error on its way; what matters is that the user asked for it
    const { renderError } = await import("./errors/print-error.ts");
    context.stderr.write(renderError(error, { command: name, debug }));
    return context.signal.aborted ? 130 : exitCodeOf(error);
  }
}

function showGroup(command: Command, path: readonly string[], args: readonly string[], context: CliContext): number {
  context.stdout.write(renderHelp(command, path));
  const typed = args[0];
  if (typed === undefined) return 0;
  const meant = suggest(
    typed,
    (command.commands ?? []).filter((child) => !child.hidden).map((child) => child.name),
  );
  const hint =
    meant.length === 0 ? "" : `\n\nDid you mean ${meant.map((name) => `'${[...path, name].join(" ")}'`).join(" or ")}?`;
  context.stderr.write(`ERROR: unknown command: ${JSON.stringify(typed)}${hint}\n`);
  return 1;
}

function refuseNotYet(table: FlagTable, given: ReadonlySet<string>, program: string): void {
  for (const name of given) {
    if (table[name]?.notYet)
      throw new UsageError(
        `--${name} is not supported by ${program} yet: leave it out, or use docker buildx for this build`,
      );
  }
}

function countArgs(command: Command, path: readonly string[], args: readonly string[]): void {
  const { min, max } = command.args ?? { min: 0, max: 0 };
  if (args.length >= min && (max === undefined || args.length <= max)) return;
  const plural = (count: number) => `${count} argument${count === 1 ? "" : "s"}`;
  const wanted =
    min === max ? plural(min) : args.length < min ? `at least ${plural(min)}` : `at most ${plural(max ?? min)}`;
  throw new UsageError(`'${path.join(" ")}' requires ${wanted}\n\nUsage:  ${usageLine(command, path)}`);
}

function isDebug(value: string | undefined): boolean {
  return value !== undefined && value !== "" && value !== "0" && value.toLowerCase() !== "false";
}

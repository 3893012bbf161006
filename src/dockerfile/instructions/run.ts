import { goQuote } from "../../base/text/go-values/mod.ts";
import type { InstructionNode } from "../parser/mod.ts";
import { type FlagKind, type FlagValues, parseFlags } from "./flags.ts";
import { baseOf, onlyArgument, someArguments, textsOf } from "./instruction-base.ts";
import { parseDevice } from "./devices.ts";
import { parseMountText } from "./mounts.ts";
import type { CmdInstruction, CommandLine, EntrypointInstruction, RunInstruction, ShellInstruction } from "./types.ts";

const runFlags: Readonly<Record<string, FlagKind>> = {
  mount: "list",
  network: "string",
  security: "string",
  device: "list",
};

/** `RUN [--mount=…] [--network=…] [--security=…] command`. @throws {Error} with BuildKit's words */
export function parseRun(node: InstructionNode): RunInstruction {
  const flags = parseFlags(node.flags, runFlags);
  return {
    type: "run",
    ...baseOf(node),
    command: commandLine(node),
    files: node.heredocs.map(({ name, content, chomp }) => ({ name, content, chomp })),
    mounts: flags.list("mount").map(parseMountText),
    devices: flags.list("device").map(parseDevice),
    network: oneOf(flags, "network", ["default", "none", "host"], (value) => `invalid network mode ${goQuote(value)}`),
    security: oneOf(flags, "security", ["sandbox", "insecure"], (value) => `security ${goQuote(value)} is not valid`),
  };
}

/** `CMD`: an empty one takes an inherited command away. @throws {Error} for any flag */
export function parseCmd(node: InstructionNode): CmdInstruction {
  parseFlags(node.flags, {});
  return { type: "cmd", ...baseOf(node), command: commandLine(node) };
}

/** `ENTRYPOINT`. @throws {Error} for any flag */
export function parseEntrypoint(node: InstructionNode): EntrypointInstruction {
  parseFlags(node.flags, {});
  return { type: "entrypoint", ...baseOf(node), command: commandLine(node) };
}

/** `SHELL ["…", …]`. @throws {Error} with BuildKit's words */
export function parseShell(node: InstructionNode): ShellInstruction {
  parseFlags(node.flags, {});
  const shell = someArguments(node);
  if (!node.json) throw new Error("SHELL requires the arguments to be in JSON form");
  return { type: "shell", ...baseOf(node), shell };
}

/** `STOPSIGNAL signal`. @throws {Error} with BuildKit's words */
export function stopSignalText(node: InstructionNode): string {
  return onlyArgument(node);
}

function commandLine(node: InstructionNode): CommandLine {
  return { form: node.json ? "exec" : "shell", args: textsOf(node.args) };
}

/** A flag that takes one of a few words, the first of them by default. */
function oneOf<T extends string>(
  flags: FlagValues,
  name: string,
  choices: readonly [T, ...T[]],
  complaint: (value: string) => string,
): T {
  const value = flags.string(name);
  if (value === undefined) return choices[0];
  const found = choices.find((choice) => choice === value);
  if (found === undefined) throw new Error(complaint(value));
  return found;
}

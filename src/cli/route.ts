import { type Command, globalFlags } from "./command.ts";
import { takesNext } from "./flags/parse.ts";

/** The command that a command line names, and what is left of the line for it. */
export interface Route {
  readonly command: Command;
  /** Names from the root down, in their full spelling. */
  readonly path: readonly string[];
  readonly argv: readonly string[];
  /** The first word that is no command's name, where there is one. */
  readonly unknown?: string;
}

/** Follows the words of `argv` down the tree of commands. Flags may stand between them; a word that is no command ends the way. */
export function route(root: Command, argv: readonly string[]): Route {
  const rest: string[] = [];
  const path = [root.name];
  let command = root;
  for (let at = 0; at < argv.length; at++) {
    const arg = argv[at] as string;
    if (arg === "--") return { command, path, argv: [...rest, ...argv.slice(at)] };
    if (arg.startsWith("-") && arg !== "-") {
      rest.push(arg);
      if (takesNext({ ...command.flags, ...globalFlags }, arg) && at + 1 < argv.length) rest.push(argv[++at] as string);
      continue;
    }
    const next = command.commands?.find((candidate) => candidate.name === arg || candidate.aliases?.includes(arg));
    if (!next) return { command, path, argv: [...rest, ...argv.slice(at)], unknown: arg };
    command = next;
    path.push(next.name);
  }
  return { command, path, argv: rest };
}

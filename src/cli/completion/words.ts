import { type Command, globalFlags } from "../command.ts";
import type { Flag, FlagTable } from "../flags/flag.ts";

/** One node of the tree of commands, as completion scripts want it. */
export interface CompletionNode {
  /** Full names from the root down, by space: `polyarch imagetools inspect`. */
  readonly path: string;
  readonly commands: readonly Command[];
  readonly flags: readonly { readonly name: string; readonly flag: Flag }[];
  readonly args: Command["completeArgs"];
}

/** All commands that can be reached, parents before children; hidden and missing flags left out. */
export function completionNodes(root: Command): CompletionNode[] {
  const visit = (command: Command, parents: readonly string[]): CompletionNode[] => {
    const path = [...parents, command.name];
    const table: FlagTable = { ...command.flags, ...globalFlags, help: { kind: "bool", short: "h", usage: "help" } };
    const visible = (command.commands ?? []).filter((child) => !child.hidden);
    const node: CompletionNode = {
      path: path.join(" "),
      commands: visible,
      flags: Object.entries(table).flatMap(([name, flag]) => (flag.hidden || flag.notYet ? [] : [{ name, flag }])),
      args: command.completeArgs,
    };
    return [node, ...visible.flatMap((child) => visit(child, path))];
  };
  return visit(root, []);
}

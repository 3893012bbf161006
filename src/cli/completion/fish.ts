import type { Flag } from "../flags/flag.ts";
import { type CompletionNode } from "./words.ts";

/** A script of `complete` lines for fish. */
export function fishScript(program: string, nodes: readonly CompletionNode[]): string {
  const lines = nodes.flatMap((node) => [
    ...node.commands.map(
      (child) => `complete -c ${program} -n ${quote(at(node))} -f -a ${child.name} -d ${quote(child.summary)}`,
    ),
    ...(node.args === "directory"
      ? [`complete -c ${program} -n ${quote(at(node))} -f -a '(__fish_complete_directories)'`]
      : []),
    ...node.flags.map(({ name, flag }) => flagLine(program, at(node), name, flag)),
  ]);
  return `# fish completion for ${program}\n${lines.join("\n")}\n`;
}

/** When a node is the one being typed: its words have been seen, and none of its children's. */
function at(node: CompletionNode): string {
  const words = node.path.split(" ").slice(1);
  const seen = words.map((word) => `__fish_seen_subcommand_from ${word}`);
  const children = node.commands.map(({ name }) => name);
  const notSeen = children.length > 0 ? [`not __fish_seen_subcommand_from ${children.join(" ")}`] : [];
  const conditions = [...seen, ...notSeen];
  return conditions.length === 0 ? "true" : conditions.join("; and ");
}

function flagLine(program: string, condition: string, name: string, flag: Flag): string {
  const parts = [`complete -c ${program} -n ${quote(condition)} -l ${name}`];
  if (flag.short) parts.push(`-s ${flag.short}`);
  if (flag.kind !== "bool") parts.push(flag.complete === "file" ? "-r -F" : "-x");
  if (Array.isArray(flag.complete)) parts.push(`-a ${quote(flag.complete.join(" "))}`);
  if (flag.complete === "directory") parts.push("-a '(__fish_complete_directories)'");
  return [...parts, `-d ${quote(flag.usage)}`].join(" ");
}

function quote(text: string): string {
  return `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
}

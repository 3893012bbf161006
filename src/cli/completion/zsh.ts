import type { Flag } from "../flags/flag.ts";
import { type CompletionNode } from "./words.ts";

/** A script for zsh's `compinit`: a function for each command, flags by `_arguments`. */
export function zshScript(program: string, nodes: readonly CompletionNode[]): string {
  return `#compdef ${program}
${nodes.map((node) => functionOf(node)).join("\n")}
if [ "$funcstack[1]" = "_${program}" ]; then _${program} "$@"; else compdef _${program} ${program}; fi
`;
}

function functionName(path: string): string {
  return `_${path.replaceAll(/[^A-Za-z0-9]/g, "_")}`;
}

function functionOf(node: CompletionNode): string {
  const specs = node.flags.flatMap(({ name, flag }) => flagSpecs(name, flag));
  const name = functionName(node.path);
  if (node.commands.length === 0) {
    const args = node.args === "directory" ? ["'*:directory:_files -/'"] : [];
    return `${name}() {\n  _arguments -s ${[...specs, ...args].join(" \\\n    ")}\n}\n`;
  }
  const list = node.commands.map((child) => `'${child.name}:${quote(child.summary)}'`).join(" ");
  const branches = node.commands
    .map(
      (child) =>
        `        ${[child.name, ...(child.aliases ?? [])].join("|")}) ${functionName(`${node.path} ${child.name}`)} ;;`,
    )
    .join("\n");
  return `${name}() {
  local context state line
  local -a commands=(${list})
  _arguments -C -s ${specs.join(" \\\n    ")} \\
    '1:command:->command' '*::argument:->argument'
  case $state in
    command) _describe command commands ;;
    argument)
      case $line[1] in
${branches}
      esac ;;
  esac
}
`;
}

function flagSpecs(name: string, flag: Flag): string[] {
  const text = quote(flag.usage);
  const repeat = flag.kind === "array" || flag.kind === "slice" || flag.kind === "ulimit" ? "*" : "";
  const value = flag.kind === "bool" ? "" : `:${flag.kind}:${action(flag)}`;
  const equals = flag.kind === "bool" ? "" : "=";
  const spec = (spelling: string) => `'${repeat}${spelling}[${text}]${value}'`;
  return [
    spec(`--${name}${equals}`),
    ...(flag.short ? [spec(`-${flag.short}${flag.kind === "bool" ? "" : "+"}`)] : []),
  ];
}

function action(flag: Flag): string {
  if (flag.complete === "file") return "_files";
  if (flag.complete === "directory") return "_files -/";
  return flag.complete ? `(${flag.complete.join(" ")})` : " ";
}

function quote(text: string): string {
  return text.replaceAll("'", "'\\''").replaceAll(/[[\]:]/g, "\\$&");
}

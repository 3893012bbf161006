import type { Flag } from "../flags/flag.ts";
import { type CompletionNode } from "./words.ts";

/** A script for bash 4 and later; needs nothing of the bash-completion package. */
export function bashScript(program: string, nodes: readonly CompletionNode[]): string {
  const f = `_${program}`;
  return `# bash completion for ${program}: source it, or put it where bash-completion looks
${f}() {
  local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD-1]} path=${program} word i
  [[ $cur == "=" ]] && cur=
  [[ $prev == "=" ]] && prev=\${COMP_WORDS[COMP_CWORD-2]}
  for ((i = 1; i < COMP_CWORD; i++)); do
    word=\${COMP_WORDS[i]}
    case "$path $word" in
${cases(nodes)}    esac
  done
  compopt +o default 2>/dev/null
  case "$path $prev" in
${values(nodes)}  esac
  if [[ $cur == -* ]]; then
    case $path in
${nodes.map((node) => `      "${node.path}") COMPREPLY=($(compgen -W "${flagWords(node)}" -- "$cur")) ;;\n`).join("")}    esac
    return
  fi
  case $path in
${nodes.map((node) => `    "${node.path}") ${argsReply(node)} ;;\n`).join("")}  esac
}
complete -F ${f} ${program}
`;
}

function cases(nodes: readonly CompletionNode[]): string {
  return nodes
    .flatMap((node) => node.commands.map((child) => ({ node, child })))
    .map(({ node, child }) => {
      const spellings = [child.name, ...(child.aliases ?? [])].map((name) => `"${node.path} ${name}"`).join(" | ");
      return `      ${spellings}) path="${node.path} ${child.name}" ;;\n`;
    })
    .join("");
}

function values(nodes: readonly CompletionNode[]): string {
  return nodes
    .flatMap((node) => node.flags.filter(({ flag }) => flag.kind !== "bool").map((entry) => ({ node, ...entry })))
    .map(({ node, name, flag }) => {
      const spellings = [`--${name}`, ...(flag.short ? [`-${flag.short}`] : [])]
        .map((text) => `"${node.path} ${text}"`)
        .join(" | ");
      return `    ${spellings}) ${valueReply(flag)}; return ;;\n`;
    })
    .join("");
}

function valueReply(flag: Flag): string {
  if (flag.complete === "file") return "compopt -o default 2>/dev/null; COMPREPLY=()";
  if (flag.complete === "directory") return 'COMPREPLY=($(compgen -d -- "$cur"))';
  return `COMPREPLY=($(compgen -W "${(flag.complete ?? []).join(" ")}" -- "$cur"))`;
}

function flagWords(node: CompletionNode): string {
  return node.flags.flatMap(({ name, flag }) => [`--${name}`, ...(flag.short ? [`-${flag.short}`] : [])]).join(" ");
}

function argsReply(node: CompletionNode): string {
  if (node.commands.length > 0)
    return `COMPREPLY=($(compgen -W "${node.commands.map(({ name }) => name).join(" ")}" -- "$cur"))`;
  if (node.args === "directory") return 'COMPREPLY=($(compgen -d -- "$cur"))';
  return `COMPREPLY=($(compgen -W "${(node.args ?? []).join(" ")}" -- "$cur"))`;
}

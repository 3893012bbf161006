/** Completion scripts for shells, made from the tables of commands and flags. */
import type { Command } from "../command.ts";
import { bashScript } from "./bash.ts";
import { fishScript } from "./fish.ts";
import { completionNodes } from "./words.ts";
import { zshScript } from "./zsh.ts";

/** The script for one shell. */
export function completionScript(shell: "bash" | "fish" | "zsh", root: Command): string {
  const nodes = completionNodes(root);
  switch (shell) {
    case "bash":
      return bashScript(root.name, nodes);
    case "fish":
      return fishScript(root.name, nodes);
    case "zsh":
      return zshScript(root.name, nodes);
  }
}

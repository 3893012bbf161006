import type { InstructionNode, Word } from "../parser/mod.ts";
import type { InstructionBase } from "./types.ts";

/** What all instructions take from their node. */
export function baseOf(node: InstructionNode): InstructionBase {
  return { keyword: node.keyword.text, source: node.source, range: node.range, comments: node.comments };
}

export const textsOf = (words: readonly Word[]): readonly string[] => words.map((word) => word.text);

/** The only argument. @throws {Error} `X requires exactly one argument` */
export function onlyArgument(node: InstructionNode): string {
  const [first] = node.args;
  if (!first || node.args.length !== 1) throw new Error(`${node.name.toUpperCase()} requires exactly one argument`);
  return first.text;
}

/** @throws {Error} `X requires at least one argument` */
export function someArguments(node: InstructionNode): readonly string[] {
  if (node.args.length === 0) throw new Error(`${node.name.toUpperCase()} requires at least one argument`);
  return textsOf(node.args);
}

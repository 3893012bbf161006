import type { InstructionNode } from "../parser/mod.ts";
import type { Linter } from "./linter.ts";

/** Rules about one instruction as it is written. Run before it is understood: what cannot be is told after. */
export function checkNode(node: InstructionNode, linter: Linter): void {
  const { name, range, comments } = node;
  if (name === "maintainer") {
    const message = "Maintainer instruction is deprecated in favor of using label";
    linter.report("MaintainerDeprecated", range, message, comments);
  }
  if (name !== "from") return;
  const from = node.keyword.text;
  const [, as, stage, ...rest] = node.args.map((word) => word.text);
  if (stage !== undefined && rest.length === 0 && stage !== stage.toLowerCase()) {
    linter.report("StageNameCasing", range, `Stage name '${stage}' should be lowercase`, comments);
  }
  if (as !== undefined && stage !== undefined && !sameCase(from, as)) {
    linter.report("FromAsCasing", range, `'${as}' and '${from}' keywords' casing do not match`, comments);
  }
}

/** A keyword that is in no case itself is another rule's business. */
function sameCase(keyword: string, other: string): boolean {
  if (keyword === keyword.toLowerCase()) return other === other.toLowerCase();
  return keyword !== keyword.toUpperCase() || other === other.toUpperCase();
}

/**
 * The comment above a stage or an argument should say which of them it describes.
 * @param names of the stage, or of the arguments
 */
export function checkDescription(
  instruction: "FROM" | "ARG",
  names: readonly string[],
  { range, comments }: Pick<InstructionNode, "range" | "comments">,
  linter: Linter,
): void {
  const last = comments.at(-1);
  const [first] = names;
  if (last === undefined || first === undefined || names.includes(last.split(" ")[0] ?? "")) return;
  const example = names.length > 1 ? "<arg_key>" : first;
  const message = `Comment for ${instruction} should follow the format: \`# ${example} <description>\``;
  linter.report("InvalidDefinitionDescription", range, message, comments);
}

import type { InstructionNode } from "../parser/mod.ts";
import { parseFlags } from "./flags.ts";
import { baseOf, someArguments } from "./instruction-base.ts";
import type { ArgInstruction, EnvInstruction, KeyValue, LabelInstruction } from "./types.ts";

/** `ARG NAME[=value] …`. @throws {Error} with BuildKit's words */
export function parseArg(node: InstructionNode): ArgInstruction {
  const args = someArguments(node).map((text) => {
    const at = text.indexOf("=");
    if (at === 0) throw new Error("ARG names can not be blank");
    return at < 0 ? { key: text, value: undefined } : { key: text.slice(0, at), value: text.slice(at + 1) };
  });
  return { type: "arg", ...baseOf(node), args };
}

/** `ENV KEY=value …` or `ENV KEY value`. @throws {Error} with BuildKit's words */
export function parseEnv(node: InstructionNode): EnvInstruction {
  return { type: "env", ...baseOf(node), pairs: parsePairs(node) };
}

/** `LABEL KEY=value …` or `LABEL KEY value`. @throws {Error} with BuildKit's words */
export function parseLabel(node: InstructionNode): LabelInstruction {
  return { type: "label", ...baseOf(node), pairs: parsePairs(node) };
}

function parsePairs(node: InstructionNode): readonly KeyValue[] {
  parseFlags(node.flags, {});
  const name = node.name.toUpperCase();
  const { pairs = [] } = node;
  if (pairs.length === 0) throw new Error(`${name} requires at least one argument`);
  return pairs.map(({ key, value, legacy }) => {
    if (key.text === "") throw new Error(`${name} names can not be blank`);
    return { key: key.text, value: value.text, legacy };
  });
}

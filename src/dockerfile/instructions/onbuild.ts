import type { InstructionNode } from "../parser/mod.ts";
import { parseFlags } from "./flags.ts";
import { baseOf } from "./instruction-base.ts";
import type { OnbuildInstruction } from "./types.ts";

/** `ONBUILD instruction`. The instruction is kept as text and read when it is due. @throws {Error} with BuildKit's words */
export function parseOnbuild(node: InstructionNode): OnbuildInstruction {
  const { trigger } = node;
  if (!trigger) throw new Error("ONBUILD requires at least one argument");
  parseFlags(node.flags, {});
  const name = trigger.name.toUpperCase();
  if (name === "ONBUILD") throw new Error("Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed");
  if (name === "MAINTAINER" || name === "FROM") throw new Error(`${name} isn't allowed as an ONBUILD trigger`);
  const documents = node.heredocs.map(({ name: end, content }) => `\n${content}${end}`);
  return { type: "onbuild", ...baseOf(node), trigger: trigger.source + documents.join("") };
}

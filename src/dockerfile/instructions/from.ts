import { goQuote } from "../../base/text/go-values/mod.ts";
import type { InstructionNode } from "../parser/mod.ts";
import { parseFlags } from "./flags.ts";
import { baseOf, textsOf } from "./instruction-base.ts";
import type { FromInstruction } from "./types.ts";

/** `FROM [--platform=P] base [AS name]`. @throws {Error} with BuildKit's words */
export function parseFrom(node: InstructionNode): FromInstruction {
  const [base = "", as, name] = textsOf(node.args);
  const named = node.args.length === 3 && as?.toLowerCase() === "as";
  if (!named && node.args.length !== 1) throw new Error("FROM requires either one or three arguments");
  const stageName = named ? name?.toLowerCase() : undefined;
  if (stageName !== undefined && !/^[a-z][a-z0-9\-_.]*$/.test(stageName)) {
    throw new Error(
      `invalid name for build stage: ${goQuote(name ?? "")}, name can't start with a number or contain symbols`,
    );
  }
  const flags = parseFlags(node.flags, { platform: "string" });
  return { type: "from", ...baseOf(node), base, stageName, platform: flags.string("platform") || undefined };
}

import { goQuote } from "../../base/text/go-values/mod.ts";
import type { Dockerfile, InstructionBase } from "../instructions/mod.ts";
import type { Linter } from "./linter.ts";

const reserved: ReadonlySet<string> = new Set(["context", "scratch"]);

/** Rules about names of stages. */
export function checkStageNames({ stages }: Dockerfile, linter: Linter): void {
  const seen = new Set<string>();
  for (const { from } of stages) {
    const { stageName: name, range } = from;
    if (name === undefined) continue;
    const quoted = goQuote(name);
    if (reserved.has(name)) {
      const message = `Stage name should not use the same name as reserved stage ${quoted}`;
      linter.report("ReservedStageName", range, message);
    }
    if (seen.has(name)) {
      linter.report("DuplicateStageName", range, `Duplicate stage name ${quoted}, stage names should be unique`);
    }
    seen.add(name);
  }
}

/** Keywords should all be written as most of them are; what is neither in capitals nor in small letters never should. */
export function checkCasing({ stages }: Dockerfile, linter: Linter): void {
  const all: readonly InstructionBase[] = stages.flatMap(({ from, instructions }) => [from, ...instructions]);
  const lower = all.filter(({ keyword }) => keyword === keyword.toLowerCase()).length;
  const upper = all.filter(({ keyword }) => keyword === keyword.toUpperCase()).length;
  const majority = lower > upper ? "lowercase" : "uppercase";
  for (const { keyword, range } of all) {
    const wanted = majority === "lowercase" ? keyword.toLowerCase() : keyword.toUpperCase();
    if (keyword === wanted) continue;
    const message = `Command '${keyword}' should match the case of the command majority (${majority})`;
    linter.report("ConsistentInstructionCasing", range, message);
  }
}

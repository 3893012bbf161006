import { BuildError, messageOf } from "../../base/errors/mod.ts";
import { withSuggestion } from "../../base/text/suggest/mod.ts";
import { checkCasing, checkDescription, checkNode, checkStageNames, type Linter } from "../lint/mod.ts";
import type { DockerfileAst, InstructionNode } from "../parser/mod.ts";
import { dockerfileError, parseError } from "../source-text.ts";
import { trimBlanks } from "../blanks.ts";
import { parseAdd, parseCopy } from "./copy.ts";
import { parseFlags } from "./flags.ts";
import { parseFrom } from "./from.ts";
import { parseHealthcheck } from "./healthcheck.ts";
import { baseOf, onlyArgument, someArguments } from "./instruction-base.ts";
import { parseOnbuild } from "./onbuild.ts";
import { parseCmd, parseEntrypoint, parseRun, parseShell, stopSignalText } from "./run.ts";
import type { ArgInstruction, Dockerfile, FromInstruction, Instruction, StageInstruction } from "./types.ts";
import { parseArg, parseEnv, parseLabel } from "./variables.ts";

/** How each instruction is understood. */
const parsers: Readonly<Record<Instruction["type"], (node: InstructionNode) => Instruction>> = {
  add: parseAdd,
  arg: parseArg,
  cmd: parseCmd,
  copy: parseCopy,
  entrypoint: parseEntrypoint,
  env: parseEnv,
  expose: (node) => {
    const ports = [...someArguments(node)].sort();
    parseFlags(node.flags, {});
    return { type: "expose", ...baseOf(node), ports };
  },
  from: parseFrom,
  healthcheck: parseHealthcheck,
  label: parseLabel,
  maintainer: (node) => {
    const maintainer = onlyArgument(node);
    parseFlags(node.flags, {});
    return { type: "maintainer", ...baseOf(node), maintainer };
  },
  onbuild: parseOnbuild,
  run: parseRun,
  shell: parseShell,
  stopsignal: (node) => ({ type: "stopsignal", ...baseOf(node), signal: stopSignalText(node) }),
  user: (node) => {
    const user = onlyArgument(node);
    parseFlags(node.flags, {});
    return { type: "user", ...baseOf(node), user };
  },
  volume: (node) => {
    const given = someArguments(node);
    parseFlags(node.flags, {});
    const volumes = given.map(trimBlanks);
    if (volumes.includes("")) throw new Error("VOLUME specified can not be an empty string");
    return { type: "volume", ...baseOf(node), volumes };
  },
  workdir: (node) => {
    const path = onlyArgument(node);
    parseFlags(node.flags, {});
    return { type: "workdir", ...baseOf(node), path };
  },
};

/**
 * Understands one instruction.
 * @throws {BuildError} `dockerfile parse error on line N: …`, with the place
 */
export function parseInstruction(node: InstructionNode): Instruction {
  const line = node.range.start.line;
  if (!Object.hasOwn(parsers, node.name)) {
    const known = Object.keys(parsers).map((name) => name.toUpperCase());
    const message = withSuggestion(`unknown instruction: ${node.keyword.text}`, node.keyword.text, known, {
      ignoreCase: true,
    });
    throw parseError(line, message, node.range);
  }
  try {
    return parsers[node.name as Instruction["type"]](node);
  } catch (error) {
    if (error instanceof BuildError) throw error;
    throw parseError(line, messageOf(error), node.range);
  }
}

/** Far more than any image needs; keeps what is quadratic somewhere small. */
const maxInstructions = 10_000;

/**
 * Understands a whole Dockerfile.
 * @param options.linter is told what is written in a way that it should not be
 * @throws {BuildError} with the place of the first mistake; `dockerfile contains no stages to build`
 */
export function parseInstructions(ast: DockerfileAst, { linter }: { readonly linter?: Linter } = {}): Dockerfile {
  for (const range of linter ? ast.emptyContinuations : []) {
    linter?.report("NoEmptyContinuation", range, "Empty continuation line");
  }
  const globalArgs: ArgInstruction[] = [];
  const stages: { from: FromInstruction; instructions: StageInstruction[] }[] = [];
  const excess = ast.instructions[maxInstructions];
  if (excess) {
    throw parseError(excess.range.start.line, `more than ${maxInstructions} instructions`, excess.range);
  }
  for (const node of ast.instructions) {
    if (linter) checkNode(node, linter);
    const instruction = parseInstruction(node);
    if (linter) checkComments(instruction, linter);
    if (instruction.type === "from") {
      stages.push({ from: instruction, instructions: [] });
      continue;
    }
    const stage = stages.at(-1);
    if (stage) stage.instructions.push(instruction);
    else if (instruction.type === "arg") globalArgs.push(instruction);
    else throw dockerfileError("no build stage in current context", node.range);
  }
  if (stages.length === 0) throw dockerfileError("dockerfile contains no stages to build", ast.instructions[0]?.range);
  const dockerfile: Dockerfile = { globalArgs, stages };
  if (linter) {
    checkStageNames(dockerfile, linter);
    checkCasing(dockerfile, linter);
  }
  return dockerfile;
}

function checkComments(instruction: Instruction, linter: Linter): void {
  if (instruction.type === "arg") {
    const names = instruction.args.map(({ key }) => key);
    checkDescription("ARG", names, instruction, linter);
  }
  if (instruction.type === "from" && instruction.stageName !== undefined) {
    checkDescription("FROM", [instruction.stageName], instruction, linter);
  }
}

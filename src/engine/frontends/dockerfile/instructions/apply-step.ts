import { unreachable } from "../../../../base/errors/mod.ts";
import type { PlannedStep, Stage } from "../stage.ts";
import { applyAdd } from "./add.ts";
import { applyArg } from "./arg.ts";
import { applyCmd } from "./cmd.ts";
import { applyCopy } from "./copy.ts";
import { applyEntrypoint } from "./entrypoint.ts";
import { applyEnv } from "./env.ts";
import { applyExpose } from "./expose.ts";
import { applyHealthcheck } from "./healthcheck.ts";
import { applyLabel } from "./label.ts";
import { applyMaintainer } from "./maintainer.ts";
import { applyOnbuild } from "./onbuild.ts";
import { applyRun } from "./run.ts";
import { applyShell } from "./shell.ts";
import { applyStopSignal } from "./stopsignal.ts";
import { applyUser } from "./user.ts";
import { applyVolume } from "./volume.ts";
import { applyWorkdir } from "./workdir.ts";

/**
 * Does one step.
 * @throws {BuildError} with the place of the instruction
 */
export function applyStep(stage: Stage, step: PlannedStep): void {
  stage.enter(step.instruction);
  stage.located(step.instruction.range, () => choose(stage, step));
}

function choose(stage: Stage, step: PlannedStep): void {
  const { instruction } = step;
  switch (instruction.type) {
    case "add":
      return applyAdd(stage, instruction, step);
    case "arg":
      return applyArg(stage, instruction);
    case "cmd":
      return applyCmd(stage, instruction);
    case "copy":
      return applyCopy(stage, instruction, step);
    case "entrypoint":
      return applyEntrypoint(stage, instruction);
    case "env":
      return applyEnv(stage, instruction);
    case "expose":
      return applyExpose(stage, instruction);
    case "healthcheck":
      return applyHealthcheck(stage, instruction);
    case "label":
      return applyLabel(stage, instruction);
    case "maintainer":
      return applyMaintainer(stage, instruction);
    case "onbuild":
      return applyOnbuild(stage, instruction);
    case "run":
      return applyRun(stage, instruction, step);
    case "shell":
      return applyShell(stage, instruction);
    case "stopsignal":
      return applyStopSignal(stage, instruction);
    case "user":
      return applyUser(stage, instruction);
    case "volume":
      return applyVolume(stage, instruction);
    case "workdir":
      return applyWorkdir(stage, instruction, step);
    default:
      return unreachable(instruction);
  }
}

import { goQuote } from "../../../../base/text/go-values/mod.ts";
import type { WorkdirInstruction } from "../../../../dockerfile/mod.ts";
import { parseChown } from "../../../../llb/mod.ts";
import { resolvePath } from "../paths.ts";
import type { PlannedStep, Stage } from "../stage.ts";

/** Changes the working directory, and makes it for the user of the moment. */
export function applyWorkdir(stage: Stage, instruction: WorkdirInstruction, step: PlannedStep): void {
  const given = stage.expand(instruction.path);
  if (!stage.workdirGiven && !given.startsWith("/")) {
    const quoted = goQuote(given);
    const message = `Relative workdir ${quoted} can have unexpected results if the base image changes`;
    stage.lint("WorkdirRelativePath", message);
  }
  stage.workdirGiven = true;
  const path = resolvePath(stage.workingDirectory, given);
  stage.image.settings.WorkingDir = path;
  const { epochSeconds } = stage.conversion;
  if (path !== "/") {
    stage.state = stage.state.file(
      [
        {
          type: "mkdir",
          path,
          mode: 0o755,
          makeParents: true,
          ...(stage.user !== "" && { chown: parseChown(stage.user) }),
          ...(epochSeconds !== undefined && { timestampNs: epochSeconds * 1_000_000_000n }),
        },
      ],
      stage.vertexOptions(step, { keepQuotes: false }),
    );
  }
  stage.record(`WORKDIR ${path}`, { layer: path !== "/" });
}

import { goQuote } from "../../../base/text/go-values/mod.ts";
import { messageOf } from "../../../base/errors/mod.ts";
import { withSuggestion } from "../../../base/text/suggest/mod.ts";
import {
  type Dockerfile,
  dockerfileError,
  expand,
  type FromInstruction,
  notSupportedYet,
  parseDockerfile,
  parseInstruction,
  type Stage as ParsedStage,
  type StageInstruction,
} from "../../../dockerfile/mod.ts";
import { parsePlatform, type Platform } from "../../../oci/mod.ts";
import { lintPlatform, lintUndeclared } from "./from-checks.ts";
import { type Conversion, type PlannedStep, Stage, withLocation } from "./stage.ts";
import { StageParameters } from "./stage-parameters.ts";

/** All stages of one conversion, and how they depend on each other. */
export class StageGraph {
  /** In the order of the file; images that `--from` names behind them. */
  readonly stages: Stage[] = [];
  readonly #byName = new Map<string, Stage>();
  readonly #conversion: Conversion;
  /** Names that people may have meant, whether they are shown or not. */
  readonly names: readonly string[];

  /** @throws {BuildError} with the place: bad base names, platforms, `--from`; circular dependencies */
  constructor(dockerfile: Dockerfile, conversion: Conversion) {
    this.#conversion = conversion;
    const parsed = new Map<Stage, ParsedStage>();
    for (const [index, stage] of dockerfile.stages.entries()) {
      try {
        parsed.set(this.#addStage(stage, index), stage);
      } catch (error) {
        throw withLocation(error, stage.from.range);
      }
    }
    for (const [stage, { instructions }] of parsed) {
      if (stage.replacement) continue;
      stage.steps = instructions.map((instruction) => this.#plan(instruction, false));
      stage.totalSteps = (stage.baseName === "scratch" || stage.base ? 0 : 1) + instructions.filter(isCounted).length;
    }
    this.names = [...parsed.keys()].map((stage) => stage.displayName);
    this.#refuseCycles();
    const [only] = this.stages;
    // BuildKit counts what a mount takes from as a stage of its own, and so shows the name.
    const takesFromOthers = only?.steps.some(
      ({ instruction }) => instruction.type === "run" && instruction.mounts.length > 0,
    );
    if (only && this.stages.length === 1 && !takesFromOthers) only.displayName = "";
  }

  /** The stage to build. @throws {BuildError} `target stage "x" could not be found` */
  target(name: string): Stage {
    const found = name === "" ? this.stages.findLast((stage) => !stage.isImage) : this.#byName.get(name.toLowerCase());
    if (found) return found;
    throw dockerfileError(withSuggestion(`target stage ${goQuote(name)} could not be found`, name, this.names));
  }

  /** Everything that `targets` need, themselves included. */
  reachable(targets: readonly Stage[]): ReadonlySet<Stage> {
    const found = new Set<Stage>();
    const open = [...targets];
    for (let stage = open.pop(); stage; stage = open.pop()) {
      if (found.has(stage)) continue;
      found.add(stage);
      if (stage.base) open.push(stage.base);
      open.push(...dependencies(stage));
    }
    return found;
  }

  /**
   * Puts triggers of a base in front of a stage's own steps.
   * @throws {BuildError} with the place of the FROM line
   */
  addTriggers(stage: Stage, triggers: readonly string[]): void {
    const planned = triggers.map((trigger) => {
      try {
        return this.#plan({ ...parseTrigger(trigger), range: stage.range }, true);
      } catch (error) {
        const reason = messageOf(error).replace(/^dockerfile parse error on line \d+: /, "");
        throw dockerfileError(reason, stage.range, error);
      }
    });
    stage.steps = [...planned, ...stage.steps];
    stage.totalSteps += planned.length;
  }

  #addStage({ from }: ParsedStage, index: number): Stage {
    const { globalArgs, escape } = this.#conversion;
    const { text: baseName, matched, unmatched } = expand(from.base, { environment: globalArgs, escape });
    lintUndeclared(from, unmatched, this.#conversion);
    if (baseName === "") throw new Error(`base name (${from.base}) should not be blank`);
    const platform = from.platform === undefined ? undefined : this.#platform(from, from.platform);
    const used = [...matched, ...(platform?.matched ?? [])];
    // As BuildKit has it: names are kept in small letters, and this one is not brought into them.
    const base = this.#byName.get(baseName);
    const stage = new Stage(this.#conversion, {
      baseName,
      declaredName: from.stageName,
      displayName: from.stageName ?? `stage-${index}`,
      isImage: false,
      platform: platform?.platform,
      range: from.range,
      source: from.source,
      comments: from.comments,
      parameters: base ? base.parameters.inherit(used) : new StageParameters(this.#conversion.globalParameters, used),
    });
    if ((stage.platform ?? this.#conversion.target).os === "windows")
      throw notSupportedYet("building for windows", from.range);
    if (from.stageName !== undefined) {
      stage.replacement = this.#conversion.context.named.find(from.stageName, stage.effectivePlatform);
    }
    if (!stage.replacement) stage.base = base;
    this.stages.push(stage);
    if (from.stageName !== undefined) this.#byName.set(from.stageName, stage);
    return stage;
  }

  #platform(from: FromInstruction, text: string): { platform: Platform; matched: ReadonlySet<string> } {
    const { globalArgs, escape } = this.#conversion;
    const expansion = expand(text, { environment: globalArgs, escape });
    const { text: expanded, matched, unmatched } = expansion;
    lintUndeclared(from, unmatched, this.#conversion);
    lintPlatform(from, text, expansion, this.#conversion);
    const hint = (message: string) => {
      const names = globalArgs.names();
      const near = [...unmatched].map((name) => withSuggestion(message, name, names));
      return near.find((text) => text !== message) ?? message;
    };
    if (expanded === "") throw new Error(hint(`empty platform value from expression ${text}`));
    try {
      return { platform: parsePlatform(expanded), matched };
    } catch (error) {
      throw new Error(hint(`failed to parse platform ${text}: ${messageOf(error)}`), { cause: error });
    }
  }

  #plan(instruction: StageInstruction, onbuild: boolean): PlannedStep {
    try {
      return { instruction, onbuild, sources: this.#sourcesOf(instruction) };
    } catch (error) {
      throw withLocation(error, instruction.range);
    }
  }

  #sourcesOf(instruction: StageInstruction): readonly (Stage | undefined)[] {
    if (instruction.type === "run") {
      return instruction.mounts.map(({ from }) => (from === undefined ? undefined : this.#source(from, instruction)));
    }
    if (instruction.type !== "copy" || instruction.from === undefined) return [];
    const { from } = instruction;
    if (expand(from).text !== from) {
      throw new Error(
        "variable expansion is not supported for --from, define a new stage with FROM using ARG from global scope as a workaround",
      );
    }
    if (!/^[+-]?\d+$/.test(from)) return [this.#source(from, instruction)];
    const stage = this.stages[Number(from)];
    if (!stage || stage.isImage) throw new Error(`invalid stage index ${Number(from)}`);
    return [stage];
  }

  /** A stage by name, or else an image. */
  #source(name: string, instruction: StageInstruction): Stage {
    const known = this.#byName.get(name.toLowerCase());
    if (known) return known;
    const { range, source } = instruction;
    const image = new Stage(this.#conversion, { baseName: name, displayName: "", isImage: true, range, source });
    this.stages.push(image);
    return image;
  }

  /** Names the first stage from which a circle can be reached, as BuildKit does, and where the circle closes. */
  #refuseCycles(): void {
    const done = new Set<Stage>();
    for (const start of this.stages) {
      const path: { readonly stage: Stage; readonly next: Iterator<Stage> }[] = [];
      const enter = (stage: Stage) => path.push({ stage, next: dependencies(stage).values() });
      if (!done.has(start)) enter(start);
      for (let top = path.at(-1); top; top = path.at(-1)) {
        const { value: needed } = top.next.next();
        if (needed === undefined) {
          done.add(top.stage);
          path.pop();
        } else if (path.some(({ stage }) => stage === needed)) {
          throw dockerfileError(
            `circular dependency detected on stage: ${start.displayName || start.baseName}`,
            rangeOfDependency(top.stage, needed),
          );
        } else if (!done.has(needed)) {
          enter(needed);
        }
      }
    }
  }
}

function parseTrigger(trigger: string): StageInstruction {
  const [node, ...others] = parseDockerfile(new TextEncoder().encode(trigger), { filename: "ONBUILD" }).instructions;
  const instruction = node && others.length === 0 ? parseInstruction(node) : undefined;
  if (!instruction || instruction.type === "from") throw new Error("onbuild trigger should be a single expression");
  return instruction;
}

const isCounted = ({ type }: StageInstruction) =>
  type === "add" || type === "copy" || type === "run" || type === "workdir";

/** Stages that the steps of `stage` take files from. */
export function dependencies(stage: Stage): readonly Stage[] {
  return stage.steps.flatMap((step) => step.sources.filter((source) => source !== undefined));
}

const rangeOfDependency = (stage: Stage, needed: Stage) =>
  stage.steps.find((step) => step.sources.includes(needed))?.instruction.range ?? stage.range;

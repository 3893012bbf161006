import { Pace, TaskGroup } from "../../../base/async/mod.ts";
import { BuildError } from "../../../base/errors/mod.ts";
import type { Dockerfile } from "../../../dockerfile/mod.ts";
import type { State } from "../../../llb/mod.ts";
import { configPlatform, type ImageConfig, platformOfConfig } from "../../../oci/mod.ts";
import type { Bridge } from "../bridge.ts";
import { resolveBase } from "./base-image.ts";
import { defaultPath } from "./image-draft.ts";
import { applyStep } from "./instructions/mod.ts";
import { resolvePath } from "./paths.ts";
import { scanWishes } from "./scan-hints.ts";
import type { Conversion, Stage } from "./stage.ts";
import { StageGraph } from "./stage-graph.ts";

/** A Dockerfile, converted for one platform. */
export interface Converted {
  readonly state: State;
  readonly image: ImageConfig;
  /** The config of the image that the target starts from, bytes as stored. */
  readonly baseConfig: Uint8Array | undefined;
  /** The target, with its instructions done. */
  readonly stage: Stage;
  /** All that it needs, itself included. */
  readonly needed: ReadonlySet<Stage>;
}

/** Look-ups of base images at a time. */
const maxLookUps = 16;

/**
 * Turns instructions into a graph, for one platform. Only stages that the target needs are looked at closely; base images are asked for
 * all at once.
 * @param options.allStages all of them, needed or not: to find what is wrong with them
 * @throws {BuildError} with the place
 */
export async function convert(
  dockerfile: Dockerfile,
  conversion: Conversion,
  bridge: Bridge,
  { signal, allStages = false }: { signal: AbortSignal; allStages?: boolean },
): Promise<Converted> {
  const graph = new StageGraph(dockerfile, conversion);
  const target = graph.target(conversion.options.target);
  const needed = await resolveStages(graph, allStages ? graph.stages : [target], bridge, signal);
  const heirs = new Map<Stage, number>();
  for (const { base } of needed) if (base) heirs.set(base, (heirs.get(base) ?? 0) + 1);
  const pace = new Pace(signal);
  for (const stage of graph.stages) {
    if (!needed.has(stage) || stage.done) continue;
    const { base } = stage;
    const waiting = base ? (heirs.get(base) ?? 1) - 1 : 0;
    if (base) heirs.set(base, waiting);
    if (pace.isDue) await pace.rest();
    begin(stage, { isLastHeir: waiting === 0 && base !== target });
    for (const step of stage.steps) {
      if (pace.isDue) await pace.rest();
      applyStep(stage, step);
    }
    stage.done = true;
    stage.scanned = scanWishes(stage);
    if (stage !== target && !heirs.get(stage)) stage.giveAway();
  }
  const { violation } = conversion.linter;
  if (violation !== undefined) throw new BuildError("unknown", violation);
  target.directory?.use("/");
  return { state: target.state, image: finalImage(target), baseConfig: target.baseConfig, stage: target, needed };
}

/** Looks base images up until triggers in them name no new ones. Gives all stages that the targets need. */
async function resolveStages(
  graph: StageGraph,
  targets: readonly Stage[],
  bridge: Bridge,
  signal: AbortSignal,
): Promise<ReadonlySet<Stage>> {
  for (;;) {
    const needed = graph.reachable(targets);
    const open = [...needed].filter((stage) => !stage.base && !stage.resolved);
    const fresh = [...needed].filter((stage) => !stage.triggersTaken);
    if (open.length === 0 && fresh.length === 0) return needed;
    const { names } = graph;
    await using lookUps = new TaskGroup({ limit: maxLookUps, signal });
    await lookUps.all(
      open.map(
        (stage) =>
          ({ signal: inner }) =>
            resolveBase(stage, bridge, { names, signal: inner }),
      ),
    );
    for (const stage of fresh) takeTriggers(graph, stage);
  }
}

/** Triggers of the base image, or of the base stage, become the first steps. They are done once and not handed on. */
function takeTriggers(graph: StageGraph, stage: Stage): void {
  stage.triggersTaken = true;
  if (stage.isImage || stage.replacement) return;
  const triggers = stage.base
    ? stage.base.replacement
      ? stage.base.image.onBuild
      : stage.base.steps.flatMap(({ instruction }) => (instruction.type === "onbuild" ? [instruction.trigger] : []))
    : stage.image.onBuild;
  stage.image.onBuild = [];
  if (triggers.length > 0) graph.addTriggers(stage, triggers);
}

/**
 * Gives a stage what it inherits.
 * @param options.isLastHeir nobody wants what the base stage has after this one: it need not be copied
 */
function begin(stage: Stage, { isLastHeir }: { readonly isLastHeir: boolean }): void {
  const { base } = stage;
  if (base) {
    base.directory?.use("/");
    stage.state = base.state;
    stage.platform = base.platform;
    stage.baseConfig = base.baseConfig;
    // Arguments of the base stage stay in effect, as its variables do.
    const { image, args, environment } = base;
    stage.image = isLastHeir ? image : image.copy();
    stage.image.onBuild = [];
    stage.args = isLastHeir ? args : [...args];
    stage.environment = isLastHeir ? environment : environment.copy();
    stage.workdirGiven = base.workdirGiven;
    if (isLastHeir) base.giveAway();
  }
  const { image } = stage;
  if (!image.environment.has("PATH")) image.environment.set("PATH", defaultPath);
  for (const [name, value] of image.environment) stage.setVariable(name, value);
  if (image.settings.WorkingDir) image.settings.WorkingDir = resolvePath("/", image.settings.WorkingDir);
  stage.user = image.settings.User ?? "";
}

/** The target's image with what the request adds, and for the platform that was asked for. */
function finalImage(target: Stage): ImageConfig {
  const { options, target: platform } = target.conversion;
  for (const [name, value] of Object.entries(options.labels)) target.image.labels.set(name, value);
  const image = target.image.finish();
  const own = platformOfConfig(image);
  const { variant: _variant, "os.version": _version, "os.features": _features, ...rest } = image;
  if (options.platforms.length === 0) return { ...rest, ...configPlatform(own) };
  // What the request leaves open, the base image may say: it runs on the same kind of machine.
  const same = own.os === platform.os && own.architecture === platform.architecture;
  return { ...rest, ...(same && configPlatform(own)), ...configPlatform(platform) };
}

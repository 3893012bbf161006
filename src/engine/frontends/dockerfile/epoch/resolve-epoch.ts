import type { Dockerfile, EnvironmentList } from "../../../../dockerfile/mod.ts";
import { dockerfileError } from "../../../../dockerfile/mod.ts";
import { decodeImageConfig, type Platform } from "../../../../oci/mod.ts";
import type { Bridge } from "../../bridge.ts";
import type { BuildContext } from "../contexts/build-context.ts";
import { sourceOfStage } from "./source-stage.ts";
import { timeOfSource } from "./source-time.ts";

/** The argument that holds it. */
export const epochArg = "SOURCE_DATE_EPOCH";

/** What an epoch may refer to. */
export interface EpochSurroundings {
  readonly dockerfile: Dockerfile;
  readonly buildArgs: Readonly<Record<string, string>>;
  readonly globalArgs: EnvironmentList;
  readonly escape: "\\" | "`";
  readonly context: BuildContext;
  readonly bridge: Bridge;
  readonly target: Platform;
  readonly signal: AbortSignal;
}

/** The last second of the year 9999: the formats of images know no later one. */
const lastSecond = 253_402_300_799n;

/**
 * Finds out what an epoch means, in seconds: a number as it is; `context` and named contexts by the time of their commit, of the server, of the newest
 * file in an archive, or of the image; a stage by that of the one source that it adds.
 * @param value of the argument; not empty
 * @returns `undefined` where the source has no time, as directories of the client
 * @throws {BuildError} `invalid SOURCE_DATE_EPOCH: X`, and for stages that are more than a source
 */
export async function resolveEpoch(value: string, given: EpochSurroundings): Promise<bigint | undefined> {
  if (/^[+-]?\d{1,19}$/.test(value)) {
    const seconds = BigInt(value.replace(/^\+/, ""));
    if (seconds > lastSecond || seconds < -lastSecond) throw dockerfileError(`invalid ${epochArg}: ${value}`);
    return seconds;
  }
  const { dockerfile, context, bridge, target, signal } = given;
  if (value === "context") {
    const logName = "[internal] resolve main build context metadata";
    return context.source && (await timeOfSource(context.source, { bridge, logName, signal }));
  }
  const named = context.named.find(value, target);
  if (named) {
    const { state, config, directory } = await context.named.open(named, { platform: target, signal });
    if (directory) return undefined;
    if (config) return timeOfImage(config);
    return await timeOfSource(state, {
      bridge,
      logName: `[internal] resolve ${epochArg} named context ${value}`,
      signal,
    });
  }
  const stage = dockerfile.stages.find(({ from }) => from.stageName === value.toLowerCase());
  if (!stage) throw dockerfileError(`invalid ${epochArg}: ${value}`);
  return await timeOfSource(sourceOfStage(stage, given), {
    bridge,
    logName: `[internal] resolve ${epochArg} source stage ${stage.from.stageName}`,
    signal,
  });
}

/** When it was made, in whole seconds; images that do not say so are as old as nothing. */
function timeOfImage(config: Uint8Array): bigint | undefined {
  const time = Date.parse(decodeImageConfig(config).created ?? "");
  return Number.isNaN(time) ? undefined : BigInt(Math.floor(time / 1000));
}

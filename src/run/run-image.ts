import { randomBytes } from "node:crypto";
import { pb } from "../api/mod.ts";
import { BuildError } from "../base/errors/mod.ts";
import type { BuildKitClient, StatusResponse } from "../client/mod.ts";
import { encodePlatform, image } from "../llb/mod.ts";
import {
  currentPlatform,
  decodeImageConfig,
  formatReference,
  parseDigest,
  parsePlatform,
  parseReference,
  withDefaultTag,
  withDigest,
} from "../oci/mod.ts";
import {
  authProvider,
  type SessionCredentials,
  type SessionTokenFetcher,
  type SessionTokenSeeds,
} from "../session/mod.ts";
import { choosePlatform } from "./choose-platform.ts";
import { type ContainerProcess, type ProcessStreams, runProcess } from "./container-process.ts";
import { LedBuild } from "./led-build.ts";
import { type RunOutcome, outcomeOf } from "./outcome.ts";
import { planProcess } from "./plan-process.ts";
import type { RunOptions } from "./run-options.ts";

export type { RunOutcome } from "./outcome.ts";

/** What {@link runImage} works with. */
export interface RunSurroundings {
  readonly client: BuildKitClient;
  readonly credentials: SessionCredentials;
  /** Fetches tokens here, so that passwords stay here. */
  readonly fetchToken: SessionTokenFetcher;
  /** By which engines know this user again. */
  readonly seeds: SessionTokenSeeds;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly streams: ProcessStreams;
  /** What the engine does before the process runs. */
  readonly onStatus: (status: StatusResponse) => void;
  /** Told of what is no failure and may surprise. */
  readonly onWarning: (text: string) => void;
  /** The image is there; from now on the streams belong to the process. */
  readonly onReady: () => void;
  readonly onStarted: (process: ContainerProcess) => void;
  /** Kills whatever runs. */
  readonly signal: AbortSignal;
}

const networks: Readonly<Record<string, pb.NetMode>> = {
  default: pb.NetMode.UNSET,
  none: pb.NetMode.NONE,
  host: pb.NetMode.HOST,
};

/**
 * Runs one process in a container made of an image.
 * @throws {BuildError} when it does not come to that: no such image, no way to run its platform here
 */
export async function runImage(options: RunOptions, surroundings: RunSurroundings): Promise<RunOutcome> {
  const { client, credentials, fetchToken, seeds, signal, env } = surroundings;
  const network = networks[options.network];
  if (network === undefined) {
    throw new BuildError(
      "invalid_argument",
      `invalid network ${JSON.stringify(options.network)}: want default, none or host`,
    );
  }
  const reference = withDefaultTag(parseReference(options.image));
  const asked = options.platform === "" ? undefined : platformOf(options.platform);
  await using session = await client.openSession({ attachables: [authProvider({ credentials, fetchToken, seeds })] });
  const build = await LedBuild.open(client, {
    sessionId: session.id,
    entitlements: options.network === "host" ? ["network.host"] : [],
    onStatus: surroundings.onStatus,
    signal,
  });
  const name = formatReference(reference);
  const { digest, config: bytes } = await build.resolveImage(name, asked ?? build.platforms[0] ?? currentPlatform());
  const config = decodeImageConfig(bytes);
  const { platform, warning } = choosePlatform(config, { image: options.image, asked, runnable: build.platforms });
  if (warning !== undefined) surroundings.onWarning(warning);
  const process = planProcess(config.config ?? {}, options, (variable) => env[variable]);

  const exact = digest === "" ? name : formatReference(withDigest(reference, parseDigest(digest)));
  const resultID = await build.solve(image(exact, { platform }));
  const containerId = randomBytes(16).toString("hex").slice(0, 25);
  await build.newContainer({
    ContainerID: containerId,
    Mounts: [{ dest: "/", resultID, mountType: pb.MountType.BIND }],
    Network: network,
    platform: encodePlatform(platform),
  });
  surroundings.onReady();
  const exit = await runProcess((requests) => build.exec(requests), {
    containerId,
    process,
    tty: options.tty,
    streams: surroundings.streams,
    onStarted: surroundings.onStarted,
  });
  // Some engines answer with how the process ended, which has been told; if it is the engine that has gone, the next call finds out.
  await build.releaseContainer(containerId).catch(() => undefined);
  await build.finish();
  return outcomeOf(exit, { platform, machine: build.platforms[0] ?? currentPlatform() });
}

function platformOf(text: string) {
  return text === "local" ? currentPlatform() : parsePlatform(text);
}

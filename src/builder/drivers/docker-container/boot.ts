import { setTimeout as sleep } from "node:timers/promises";
import { BuildError, messageOf } from "../../../base/errors/mod.ts";
import { credentialsFromDocker, type DockerEngine } from "../../../docker/mod.ts";
import { familiarReference, formatReference, parseReference, withDefaultTag } from "../../../oci/mod.ts";
import type { BootCall, BootEvent, DriverInput } from "../../driver.ts";
import { archiveRoot, configArchive } from "./config-archive.ts";
import type { ContainerOptions } from "./container-options.ts";
import { containerSpec } from "./container-spec.ts";
import { githubContext, githubContextFile } from "./github-context.ts";
import { startWithGpus } from "./gpus.ts";

/** A container to be started, and made where there is none. */
export interface ContainerBoot {
  readonly docker: DockerEngine;
  readonly name: string;
  readonly options: ContainerOptions;
  readonly input: DriverInput;
}

/** How often an engine is asked whether it is ready, and how much longer each wait gets. */
const readyTries = 15;
const readyPauseMs = 120;
/** A container that was started anew so often will not get better by itself. */
const enoughRestarts = 3;

/**
 * Starts the engine's container and returns when the engine answers. What the container is made of is only looked at when it is made.
 * @throws {BuildError} why it cannot be; what the engine logged is told before
 */
export async function bootContainer(boot: ContainerBoot, { signal, onEvent }: BootCall): Promise<void> {
  const { docker, name } = boot;
  const step = <T>(what: string, work: () => Promise<T>) => asStep(what, work, onEvent);
  onEvent?.({ type: "starting", what: "[internal] booting buildkit" });
  const container = await docker.containers.inspect(name, { signal });
  if (container) {
    await step(`starting container ${name}`, async () => {
      if (!container.running) await docker.containers.start(name, { signal });
      await untilReady(boot, { signal, onEvent });
    });
  } else {
    await pullImage(boot, { signal, onEvent }, step);
    await step(`creating container ${name}`, async () => {
      await createContainer(boot, signal);
      await untilReady(boot, { signal, onEvent });
    });
  }
  onEvent?.({ type: "running" });
}

type Step = <T>(what: string, work: () => Promise<T>) => Promise<T>;

async function asStep<T>(
  name: string,
  work: () => Promise<T>,
  onEvent: ((event: BootEvent) => void) | undefined,
): Promise<T> {
  onEvent?.({ type: "step", name, state: "started" });
  try {
    const result = await work();
    onEvent?.({ type: "step", name, state: "done" });
    return result;
  } catch (error) {
    onEvent?.({ type: "step", name, state: "failed", error: messageOf(error) });
    throw error;
  }
}

/** Pulls the engine's image; one that is there already will do when that fails. */
async function pullImage({ docker, options, input }: ContainerBoot, { signal }: BootCall, step: Step): Promise<void> {
  const reference = withDefaultTag(parseReference(options.image));
  const credentials = credentialsFromDocker(input.config, { env: input.env });
  try {
    await step(`pulling image ${options.image}`, async () => {
      const login = await credentials.for(reference.registry, { signal });
      const auth = { login, registry: reference.registry };
      await docker.images.pull(formatReference(reference), { signal, auth });
    });
  } catch (error) {
    signal.throwIfAborted();
    if (!(await docker.images.inspect(familiarReference(reference), { signal }))) throw error;
    await step(`pulling failed, using local image ${options.image}`, () => Promise.resolve());
  }
}

async function createContainer({ docker, name, options, input }: ContainerBoot, signal: AbortSignal): Promise<void> {
  const github = options.addGithubContext ? await githubContext(input.env) : undefined;
  const files = { ...input.node.files, ...(github ? { [githubContextFile]: github } : {}) };
  const spec = containerSpec({ ...input.node, files }, options, await docker.info({ signal }));
  await startWithGpus(spec, async (wanted) => {
    if (!(await docker.containers.create(name, wanted, { signal }))) return; // somebody else is about to start it
    try {
      if (Object.keys(files).length > 0) {
        await docker.containers.putArchive(name, configArchive(files, new Date()), { signal, path: archiveRoot });
      }
      await docker.containers.start(name, { signal });
    } catch (error) {
      // Half a container would be taken for a whole one the next time. Its state stays.
      await docker.containers.remove(name, { signal: AbortSignal.timeout(10_000), force: true }).catch(() => undefined);
      throw error;
    }
  });
}

/** Waits until `buildctl` in the container finds its engine. */
async function untilReady(boot: ContainerBoot, { signal, onEvent }: BootCall): Promise<void> {
  const { docker, name } = boot;
  let said = "";
  for (let tries = 1; ; tries++) {
    try {
      const { exitCode, stdout, stderr } = await docker.containers.exec(name, ["buildctl", "debug", "workers"], {
        signal,
      });
      if (exitCode === 0) return;
      said = (stderr || stdout).trim();
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof BuildError)) throw error;
      said = error.message; // it may not run yet, or be on its way to a second try
    }
    if (tries > readyTries || (await hasFailed(boot, signal))) break;
    await sleep(tries * readyPauseMs, undefined, { signal });
  }
  const log = await docker.containers.logs(name, { signal }).catch(() => "");
  if (log !== "") onEvent?.({ type: "log", text: log });
  throw new BuildError("unavailable", `the engine in container ${name} does not answer: ${said}`);
}

/** Whether the container has ended, or goes on ending. */
async function hasFailed({ docker, name }: ContainerBoot, signal: AbortSignal): Promise<boolean> {
  const container = await docker.containers.inspect(name, { signal });
  return !container || container.restarts >= enoughRestarts || /^(exited|dead|removing)$/.test(container.status);
}

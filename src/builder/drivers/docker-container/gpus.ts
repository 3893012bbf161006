import { BuildError } from "../../../base/errors/mod.ts";
import type { ContainerSpec } from "../../../docker/mod.ts";

/** `docker run --gpus all`, in the words of the Docker Engine's API. */
const allGpus = [{ Count: -1, Capabilities: [["gpu"]] }];

/**
 * Starts a container with all of the machine's GPUs, and without any where the Docker Engine has none: it says so only when it is to start one.
 * @param start makes and starts a container, or leaves none
 */
export async function startWithGpus(spec: ContainerSpec, start: (spec: ContainerSpec) => Promise<void>): Promise<void> {
  const host = spec["HostConfig"] as Readonly<Record<string, unknown>>;
  try {
    await start({ ...spec, HostConfig: { ...host, DeviceRequests: allGpus } });
  } catch (error) {
    if (!isOfGpus(error)) throw error;
    await start(spec);
  }
}

function isOfGpus(error: unknown): boolean {
  return (
    error instanceof BuildError && /could not select device driver|\[\[gpu\]\]|nvidia|\bcdi\b/i.test(error.message)
  );
}

import { BuildError } from "../../../base/errors/mod.ts";
import { BuildKitClient, connect } from "../../../client/mod.ts";
import { currentContextName, DockerEngine, engineAddressOf } from "../../../docker/mod.ts";
import type { Driver, DriverCall, DriverFeatures, OpenDriver } from "../../driver.ts";

/** What the worker of an engine that keeps images in containerd's store is labelled with. */
const snapshotterLabel = "org.mobyproject.buildkit.worker.snapshotter";

/**
 * The BuildKit inside a Docker Engine, by the Engine's upgrade endpoints: `/grpc` for the Control API, `/session` for sessions. There is nothing to
 * make, start or remove.
 */
export const dockerDriver: OpenDriver = async ({ node, env, configDirectory, config }) => {
  const [option] = Object.keys(node.driverOpts);
  if (option !== undefined) {
    throw new BuildError("invalid_argument", `invalid driver option ${option} for docker driver`);
  }
  if (node.flags.length > 0) throw unsupported("setting buildkit flags");
  if (Object.keys(node.files).length > 0) throw unsupported("setting config file");
  const surroundings = { env, configDirectory, currentContext: config.currentContext };
  const endpoint = node.endpoint || currentContextName(surroundings);
  const docker = await DockerEngine.open(await engineAddressOf(endpoint, surroundings), { env });
  const dial: Driver["dial"] = async (options) => await docker.openBuildKit(options);
  let features: Promise<DriverFeatures> | undefined;
  return {
    kind: "docker",
    endpoint,
    features: async (options) => {
      features ??= detect(dial, options);
      try {
        return await features;
      } catch (error) {
        features = undefined;
        throw error;
      }
    },
    state: async ({ signal }) => {
      try {
        await docker.ping({ signal });
        return "running";
      } catch {
        signal.throwIfAborted();
        return "inactive";
      }
    },
    boot: async ({ signal }) => {
      await docker.ping({ signal });
      (await dial({ signal })).destroy();
    },
    dial,
    dialSession: async ({ headers, signal = neverAborted }) => await docker.openSession({ headers, signal }),
    images: docker.images,
    version: async (options) => (await docker.version(options)).replace(/-moby$/, ""),
    stop: async () => undefined,
    remove: async () => undefined,
  };
};

const neverAborted = new AbortController().signal;

async function detect(dial: Driver["dial"], { signal }: DriverCall): Promise<DriverFeatures> {
  await using client = new BuildKitClient(connect({ open: dial }));
  const workers = await client.listWorkers({ signal });
  const containerd = workers.some(({ Labels }) => Labels[snapshotterLabel] !== undefined);
  return {
    ociExporter: containerd,
    dockerExporter: containerd,
    cacheExport: containerd,
    attestation: containerd,
    multiPlatform: containerd,
    directPush: containerd,
    preferImageDigest: containerd,
    defaultLoad: true,
  };
}

function unsupported(what: string): BuildError {
  return new BuildError("invalid_argument", `${what} is not supported for docker driver`);
}

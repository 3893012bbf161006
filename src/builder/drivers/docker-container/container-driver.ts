import { BuildError } from "../../../base/errors/mod.ts";
import { currentContextName, DockerEngine, engineAddressOf } from "../../../docker/mod.ts";
import type { Driver, NodeState, OpenDriver } from "../../driver.ts";
import { bootContainer } from "./boot.ts";
import { parseContainerOptions } from "./container-options.ts";
import { containerName, stateVolume } from "./container-spec.ts";

/**
 * An engine in a privileged container of a Docker Engine, which may be anywhere. Container and volume have the names that docker buildx gives them,
 * so either program uses what the other has made. The engine is talked with by running `buildctl dial-stdio` in the container.
 */
export const dockerContainerDriver: OpenDriver = async (input) => {
  const { node, env, configDirectory, config } = input;
  const options = parseContainerOptions(node.driverOpts);
  const surroundings = { env, configDirectory, currentContext: config.currentContext };
  const endpoint = node.endpoint || currentContextName(surroundings);
  const docker = await DockerEngine.open(await engineAddressOf(endpoint, surroundings), { env });
  const name = containerName(node.name);
  return {
    kind: "docker-container",
    endpoint,
    features: () =>
      Promise.resolve({
        ociExporter: true,
        dockerExporter: true,
        cacheExport: true,
        attestation: true,
        multiPlatform: true,
        directPush: true,
        preferImageDigest: false,
        defaultLoad: options.defaultLoad,
      }),
    state: async (call) => {
      const container = await docker.containers.inspect(name, call);
      return container ? stateOf(container.status) : "inactive";
    },
    boot: async (call) => await bootContainer({ docker, name, options, input }, call),
    dial: async (call) => {
      try {
        return await docker.containers.execStream(name, ["buildctl", "dial-stdio"], call);
      } catch (error) {
        throw notRunning(error) ?? error;
      }
    },
    version: async (call) => await engineVersion(docker, name, call),
    stop: async (call) => {
      const container = await docker.containers.inspect(name, call);
      if (container?.running) await docker.containers.stop(name, call);
    },
    remove: async ({ signal, answer = signal, keepState, force = false }) => {
      const container = await docker.containers.inspect(name, { signal: answer });
      if (container) await docker.containers.remove(name, { signal, force: force || container.running });
      if (!keepState) await docker.removeVolume(stateVolume(name), { signal, force });
    },
  };
};

function stateOf(status: string): NodeState {
  switch (status) {
    case "running":
      return "running";
    case "restarting":
      return "starting";
    case "removing":
      return "stopping";
    default:
      return "stopped";
  }
}

/** A container that is not there, or that does not run, is an engine that nobody has started. */
function notRunning(error: unknown): BuildError | undefined {
  if (!(error instanceof BuildError)) return undefined;
  if (error.code !== "not_found" && error.code !== "already_exists") return undefined;
  return new BuildError("unavailable", error.message, { cause: error });
}

/** `buildkitd github.com/moby/buildkit v0.12.0 …`: the third word. */
async function engineVersion(docker: DockerEngine, name: string, call: Parameters<Driver["dial"]>[0]): Promise<string> {
  const { exitCode, stdout, stderr } = await docker.containers.exec(name, ["buildkitd", "--version"], call);
  const words = stdout.trim().split(/\s+/);
  if (exitCode === 0 && words.length === 4) return words[2] as string;
  throw new BuildError("unavailable", `cannot tell the version of the engine in ${name}: ${(stderr || stdout).trim()}`);
}

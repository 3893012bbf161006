import type { ContainerSpec, EngineInfo } from "../../../docker/mod.ts";
import type { NodeConfig } from "../../driver.ts";
import type { ContainerOptions } from "./container-options.ts";

/** Where an engine keeps its state, and where its configuration is, in its container. */
export const stateDirectory = "/var/lib/buildkit";
export const configDirectory = "/etc/buildkit";

/** Names of a node's container and of the volume with its state: those that docker buildx gives them. */
export function containerName(node: string): string {
  return `buildx_buildkit_${node}`;
}

/** @see containerName */
export function stateVolume(container: string): string {
  return `${container}_state`;
}

/** What the engine's container is made from, in the words of the Docker Engine's API. */
export function containerSpec(
  node: Pick<NodeConfig, "name" | "flags" | "files">,
  options: ContainerOptions,
  info: Pick<EngineInfo, "cgroupDriver" | "userNamespaces">,
): ContainerSpec {
  const volume = stateVolume(containerName(node.name));
  const config = "buildkitd.toml" in node.files ? ["--config", `${configDirectory}/buildkitd.toml`] : [];
  const { restartPolicy } = options;
  return {
    Image: options.image,
    Env: options.env,
    Cmd: [...config, ...node.flags],
    HostConfig: given({
      Privileged: true,
      Init: true, // takes care of processes that steps leave behind
      RestartPolicy: { Name: restartPolicy.name, MaximumRetryCount: restartPolicy.maximumRetryCount },
      Mounts: [{ Type: "volume", Source: volume, Target: stateDirectory }],
      NetworkMode: options.network,
      Memory: options.memoryBytes,
      MemorySwap: options.memorySwapBytes,
      CpuQuota: options.cpuQuota,
      CpuPeriod: options.cpuPeriod,
      CpuShares: options.cpuShares,
      CpusetCpus: options.cpusetCpus,
      CpusetMems: options.cpusetMems,
      // systemd names its groups differently, and there the engine's own parent is right
      CgroupParent: info.cgroupDriver === "cgroupfs" ? (options.cgroupParent ?? "/docker/buildx") : undefined,
      UsernsMode: info.userNamespaces ? "host" : undefined,
    }),
  };
}

function given(values: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));
}

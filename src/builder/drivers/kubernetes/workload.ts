import { dirname, join } from "node:path/posix";
import { formatPlatform, type Platform } from "../../../oci/mod.ts";
import { engineConfigDirectory } from "../../config-files.ts";
import { type KubernetesOptions, platformAnnotation } from "./kubernetes-options.ts";

/** The container that the engine runs in. */
export const engineContainer = "buildkitd";
const stateDirectory = "/var/lib/buildkit";
const rootlessStateDirectory = "/home/user/.local/share/buildkit";
const stateVolume = "buildkitd";

/** An object as the API server takes and gives it. */
export interface KubernetesObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly [field: string]: unknown };
  readonly [field: string]: unknown;
}

/** What a node is in a cluster. */
export interface Workload {
  readonly configMaps: readonly KubernetesObject[];
  /** A Deployment; a StatefulSet where the state is kept in a claimed volume. */
  readonly engine: KubernetesObject;
}

/** A node as far as objects say it. */
export interface WorkloadNode {
  /** Of all objects; what a node's name becomes in a cluster. */
  readonly name: string;
  readonly flags: readonly string[];
  /** By path below the engine's configuration directory. */
  readonly files: Readonly<Record<string, Uint8Array>>;
  /** Fixed for the node; told to whoever looks at the object. */
  readonly platforms: readonly Platform[];
}

/** The same objects, with the same names, as docker buildx makes, so that either program uses what the other has made. */
export function workload(node: WorkloadNode, options: KubernetesOptions): Workload {
  const { name, platforms } = node;
  const { labels, rootless } = options;
  const allLabels = { app: name, ...labels };
  const annotations = {
    ...options.annotations,
    ...(rootless ? { [`container.apparmor.security.beta.kubernetes.io/${engineContainer}`]: "unconfined" } : {}),
    ...(platforms.length > 0 ? { [platformAnnotation]: platforms.map(formatPlatform).join(",") } : {}),
  };
  const directories = configDirectories(node.files);
  const configMaps = directories.map(({ volume, data }) => ({
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name: `${name}-${volume}`, annotations },
    data,
  }));
  const template = {
    metadata: { labels: allLabels, annotations },
    spec: podSpec(node, options, directories),
  };
  const selector = { matchLabels: allLabels };
  const metadata = { name, labels: allLabels, annotations };
  if (options.claim === undefined) {
    return {
      configMaps,
      engine: {
        apiVersion: "apps/v1",
        kind: "Deployment",
        metadata,
        spec: { replicas: options.replicas, selector, template },
      },
    };
  }
  const claim = {
    metadata: { name: stateVolume, labels: allLabels },
    spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: options.claim } } },
  };
  return {
    configMaps,
    engine: {
      apiVersion: "apps/v1",
      kind: "StatefulSet",
      metadata,
      spec: {
        serviceName: engineContainer,
        podManagementPolicy: "Parallel",
        replicas: options.replicas,
        selector,
        template,
        volumeClaimTemplates: [claim],
      },
    },
  };
}

/** Files of one directory make one ConfigMap, which is mounted there. */
interface ConfigDirectory {
  readonly volume: string;
  readonly mountPath: string;
  readonly data: Readonly<Record<string, string>>;
}

function configDirectories(files: Readonly<Record<string, Uint8Array>>): readonly ConfigDirectory[] {
  const paths = Object.keys(files).toSorted();
  const directories = [...new Set(paths.map((path) => dirname(path)))];
  return directories.map((directory, at) => ({
    volume: at === 0 ? "config" : `config-${at}`,
    mountPath: directory === "." ? engineConfigDirectory : join(engineConfigDirectory, directory),
    data: Object.fromEntries(
      paths
        .filter((path) => dirname(path) === directory)
        .map((path) => [path.slice(path.lastIndexOf("/") + 1), Buffer.from(files[path] ?? []).toString("utf8")]),
    ),
  }));
}

function podSpec(
  { name, flags }: WorkloadNode,
  options: KubernetesOptions,
  directories: readonly ConfigDirectory[],
): object {
  const { rootless, limits, requests, tolerations, nodeSelector, serviceAccount, schedulerName, qemu, claim } = options;
  const state = stateVolumes(options);
  const resources = {
    ...(isEmpty(limits) ? {} : { limits }),
    ...(isEmpty(requests) ? {} : { requests }),
  };
  const mounts = [
    ...directories.map(({ volume, mountPath }) => ({ name: volume, mountPath })),
    ...state.map(({ name, mountPath }) => ({ name, mountPath })),
    ...(claim === undefined
      ? []
      : [{ name: stateVolume, mountPath: rootless ? rootlessStateDirectory : stateDirectory }]),
  ];
  const volumes = [
    ...directories.map(({ volume }) => ({ name: volume, configMap: { name: `${name}-${volume}` } })),
    ...state.map(({ name, emptyDir }) => ({ name, emptyDir })),
  ];
  return {
    containers: [
      {
        name: engineContainer,
        image: options.image,
        ...(flags.length > 0 || rootless
          ? { args: [...flags, ...(rootless ? ["--oci-worker-no-process-sandbox"] : [])] }
          : {}),
        ...(options.env.length > 0 ? { env: options.env } : {}),
        resources,
        ...(mounts.length > 0 ? { volumeMounts: mounts } : {}),
        readinessProbe: { exec: { command: ["buildctl", "debug", "workers"] } },
        securityContext: rootless ? { seccompProfile: { type: "Unconfined" } } : { privileged: true },
      },
    ],
    ...(volumes.length > 0 ? { volumes } : {}),
    ...(isEmpty(nodeSelector) ? {} : { nodeSelector }),
    ...(serviceAccount === undefined ? {} : { serviceAccountName: serviceAccount }),
    ...(schedulerName === undefined ? {} : { schedulerName }),
    ...(tolerations.length > 0 ? { tolerations } : {}),
    ...(qemu.install
      ? {
          initContainers: [
            {
              name: "qemu",
              image: qemu.image,
              args: ["--install", "all"],
              resources: {},
              securityContext: { privileged: true },
            },
          ],
        }
      : {}),
  };
}

/** Volumes that last as long as their pod. */
function stateVolumes({ rootless, rootVolumeMemory, claim }: KubernetesOptions) {
  const inMemory = rootVolumeMemory === undefined ? {} : { medium: "Memory", sizeLimit: rootVolumeMemory };
  if (rootless && claim === undefined) {
    return [{ name: stateVolume, mountPath: rootlessStateDirectory, emptyDir: inMemory }];
  }
  if (rootVolumeMemory === undefined) return [];
  return [{ name: "buildkit-memory", mountPath: stateDirectory, emptyDir: inMemory }];
}

function isEmpty(record: Readonly<Record<string, string>>): boolean {
  return Object.keys(record).length === 0;
}

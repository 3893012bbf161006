import { setTimeout as sleep } from "node:timers/promises";
import { BuildError, messageOf } from "../../../base/errors/mod.ts";
import { humanDuration } from "../../../base/text/go-values/mod.ts";
import { parsePlatform, type Platform } from "../../../oci/mod.ts";
import type { BootCall, Driver, DriverCall, OpenDriver } from "../../driver.ts";
import { ApiClient } from "./api-client.ts";
import { execInPod } from "./exec-stream.ts";
import { loadCluster } from "./kubeconfig.ts";
import { parseKubernetesOptions, platformAnnotation } from "./kubernetes-options.ts";
import { choosePod, isUsable, type Pod, whyNotReady } from "./pods.ts";
import { engineContainer, type KubernetesObject, workload } from "./workload.ts";

/** How often pods are asked whether they are ready. */
const pollMs = 250;

interface EngineObject extends KubernetesObject {
  readonly spec?: { readonly replicas?: number };
  readonly status?: { readonly readyReplicas?: number };
}

/**
 * An engine in pods of a Kubernetes cluster: a Deployment, or a StatefulSet where its state outlives a pod. Objects have the names that docker buildx
 * gives them. The engine is talked with by running `buildctl dial-stdio` in a pod.
 */
export const kubernetesDriver: OpenDriver = async ({ node, env }) => {
  const options = parseKubernetesOptions(node.driverOpts);
  const name = objectName(node.name);
  const kubeconfig = new URLSearchParams(/\?(.*)$/.exec(node.endpoint)?.[1] ?? "").get("kubeconfig") ?? "";
  const objects = workload({ name, flags: node.flags, files: node.files, platforms: node.platforms }, options);
  const kinds = options.claim === undefined ? "deployments" : "statefulsets";
  let opened: Promise<{ api: ApiClient; namespace: string }> | undefined;
  const open = () =>
    (opened ??= loadCluster(kubeconfig, env).then((cluster) => ({
      api: new ApiClient(cluster),
      namespace: options.namespace ?? cluster.namespace,
    })));
  const engines = (namespace: string) => `/apis/apps/v1/namespaces/${encodeURIComponent(namespace)}/${kinds}`;
  const core = (namespace: string, kind: string) => `/api/v1/namespaces/${encodeURIComponent(namespace)}/${kind}`;

  const engine = async ({ signal }: DriverCall): Promise<EngineObject | undefined> => {
    const { api, namespace } = await open();
    return await api.call<EngineObject>("GET", `${engines(namespace)}/${name}`, { signal });
  };
  const pods = async ({ signal }: DriverCall): Promise<readonly Pod[]> => {
    const { api, namespace } = await open();
    const selector = new URLSearchParams({ labelSelector: `app=${name}` });
    const list = await api.call<{ items?: readonly Pod[] }>(
      "GET",
      `${core(namespace, "pods")}?${selector.toString()}`,
      { signal },
    );
    return list?.items ?? [];
  };
  const create = async ({ signal }: DriverCall): Promise<void> => {
    const { api, namespace } = await open();
    for (const body of objects.configMaps) {
      const maps = core(namespace, "configmaps");
      // One that is left of an older node of this name would keep that one's settings.
      if (await isThere(api.call("POST", maps, { body, signal }))) {
        await api.call("PUT", `${maps}/${body.metadata.name}`, { body, signal });
      }
    }
    // One that is there now was made by somebody who boots the same node at this moment.
    await isThere(api.call("POST", engines(namespace), { body: objects.engine, signal }));
  };
  const untilReady = async ({ signal }: DriverCall): Promise<void> => {
    const end = Date.now() + options.timeoutMs;
    for (;;) {
      const ready = (await engine({ signal }))?.status?.readyReplicas ?? 0;
      if (ready >= options.replicas) return;
      if (Date.now() > end) {
        const why = whyNotReady(await pods({ signal }));
        throw new BuildError(
          "deadline_exceeded",
          `expected ${options.replicas} replicas to be ready, got ${ready}${why} (driver option timeout says how long to wait)`,
        );
      }
      await sleep(pollMs, undefined, { signal });
    }
  };
  const boot: Driver["boot"] = async ({ signal, onEvent }: BootCall) => {
    onEvent?.({ type: "starting", what: "[internal] booting buildkit" });
    if (!(await engine({ signal }))) await create({ signal });
    const step = `waiting for ${options.replicas} pods to be ready, timeout: ${humanDuration(options.timeoutMs)}`;
    onEvent?.({ type: "step", name: step, state: "started" });
    try {
      await untilReady({ signal });
    } catch (error) {
      onEvent?.({ type: "step", name: step, state: "failed", error: messageOf(error) });
      throw error;
    }
    onEvent?.({ type: "step", name: step, state: "done" });
    onEvent?.({ type: "running" });
  };
  return {
    kind: "kubernetes",
    endpoint: node.endpoint,
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
      const found = await engine(call);
      if (!found) return "inactive";
      return (found.status?.readyReplicas ?? 0) > 0 ? "running" : "stopped";
    },
    instances: async (call) =>
      (await pods(call))
        .filter(isUsable)
        .map(({ metadata }) => fixedPlatforms(metadata.annotations?.[platformAnnotation])),
    boot,
    dial: async ({ signal }) => {
      const { api, namespace } = await open();
      // Builds that are started in one directory find what was built there before.
      const pod = choosePod(await pods({ signal }), options.loadBalance === "sticky" ? process.cwd() : undefined);
      if (!pod) throw new BuildError("unavailable", `no pod of ${name} is ready in namespace ${namespace}`);
      const command = ["buildctl", "dial-stdio"];
      return await execInPod(
        api,
        { namespace, pod: pod.metadata.name, container: engineContainer, command },
        { signal },
      );
    },
    // Pods are the cluster's business: whoever wants none sets replicas to 0 there, or removes the node.
    stop: () => Promise.resolve(),
    remove: async ({ signal: whole, answer: signal = whole, keepState }) => {
      const { api, namespace } = await open();
      await api.call("DELETE", `${engines(namespace)}/${name}?propagationPolicy=Background`, { signal });
      for (const { metadata } of objects.configMaps) {
        await api.call("DELETE", `${core(namespace, "configmaps")}/${metadata.name}`, { signal });
      }
      if (keepState || options.claim === undefined) return;
      const claims = core(namespace, "persistentvolumeclaims");
      const list = await api.call<{ items?: readonly Pod[] }>("GET", `${claims}?labelSelector=app%3D${name}`, {
        signal,
      });
      for (const { metadata } of list?.items ?? []) await api.call("DELETE", `${claims}/${metadata.name}`, { signal });
    },
  };
};

/** Whether an object was not made because there is one of its name. */
async function isThere(making: Promise<unknown>): Promise<boolean> {
  try {
    await making;
    return false;
  } catch (error) {
    if (error instanceof BuildError && error.code === "already_exists") return true;
    throw error;
  }
}

/** What a pod was made for. An annotation that somebody else has spoilt counts for nothing. */
function fixedPlatforms(annotation: string | undefined): readonly Platform[] {
  try {
    return annotation ? annotation.split(",").map((text) => parsePlatform(text)) : [];
  } catch {
    return [];
  }
}

/** A node's name as a cluster takes it. @throws {BuildError} when it takes none that is like it */
function objectName(node: string): string {
  const name = node.replaceAll("_", "-");
  if (/^[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?$/.test(name)) return name;
  throw new BuildError(
    "invalid_argument",
    `${JSON.stringify(node)} cannot name a node in Kubernetes: want small letters, digits and dashes`,
  );
}

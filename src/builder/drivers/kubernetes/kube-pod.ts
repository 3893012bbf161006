import type { Dial } from "../../../client/mod.ts";
import { BuildError } from "../../../base/errors/mod.ts";
import { ApiClient } from "./api-client.ts";
import { execInPod } from "./exec-stream.ts";
import { loadCluster } from "./kubeconfig.ts";

/** An engine in a pod that somebody else has made. Empty means what the kubeconfig, or the pod, says. */
export interface PodAddress {
  readonly pod: string;
  readonly context: string;
  readonly namespace: string;
  readonly container: string;
}

/** Says of a pod which of its containers is meant where none is named. */
const defaultContainerAnnotation = "kubectl.kubernetes.io/default-container";

/**
 * Reads `kube-pod://POD[?context=CONTEXT][&namespace=NAMESPACE][&container=CONTAINER]`.
 * @throws {BuildError} with BuildKit's words
 */
export function parsePodAddress(endpoint: string): PodAddress {
  const [, pod = "", query] = /^kube-pod:\/\/([^/?]*)\/?(?:\?(.*))?$/s.exec(endpoint) ?? [];
  const asked = new URLSearchParams(query);
  const name = (what: string, text: string): string => {
    if (text === "" || /^[-a-z0-9.]+$/.test(text)) return text;
    throw invalid(`unsupported ${what} name: ${JSON.stringify(text)}`);
  };
  if (pod === "") throw invalid(`url lacks pod name: want kube-pod://POD, not ${JSON.stringify(endpoint)}`);
  return {
    pod: name("pod", pod),
    context: asked.get("context") ?? "",
    namespace: name("namespace", asked.get("namespace") ?? ""),
    container: name("container", asked.get("container") ?? ""),
  };
}

/** Reaches the engine in such a pod: runs `buildctl dial-stdio` there. The cluster is looked for when it is first dialled. */
export function dialPod(address: PodAddress, env: Readonly<Record<string, string | undefined>>): Dial {
  const { pod } = address;
  return async ({ signal }) => {
    const cluster = await loadCluster("", env, address.context);
    const api = new ApiClient(cluster);
    const namespace = address.namespace || cluster.namespace;
    const container = address.container || (await firstContainer(api, namespace, pod, signal));
    return await execInPod(api, { namespace, pod, container, command: ["buildctl", "dial-stdio"] }, { signal });
  };
}

/** The container that kubectl would choose. */
async function firstContainer(api: ApiClient, namespace: string, pod: string, signal: AbortSignal): Promise<string> {
  const path = `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods/${encodeURIComponent(pod)}`;
  const found = await api.call<{
    readonly metadata?: { readonly annotations?: Readonly<Record<string, string>> };
    readonly spec?: { readonly containers?: readonly { readonly name: string }[] };
  }>("GET", path, { signal });
  if (!found) throw new BuildError("not_found", `pods ${JSON.stringify(pod)} not found in namespace ${namespace}`);
  const { metadata, spec } = found;
  const chosen = metadata?.annotations?.[defaultContainerAnnotation] ?? spec?.containers?.[0]?.name;
  if (chosen !== undefined) return chosen;
  throw new BuildError("not_found", `pod ${pod} does not have any container`);
}

function invalid(message: string): BuildError {
  return new BuildError("invalid_argument", message);
}

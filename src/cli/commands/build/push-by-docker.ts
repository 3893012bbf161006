import { createHash } from "node:crypto";
import { messageOf } from "../../../base/errors/mod.ts";
import type { BuildResult, PreparedBuild } from "../../../build/mod.ts";
import type { DriverFeatures, DriverKind } from "../../../builder/mod.ts";
import {
  type DockerCredentials,
  type EngineImages,
  type EngineMessage,
  loginKey,
  type RegistryLogin,
} from "../../../docker/mod.ts";
import { parseReference } from "../../../oci/mod.ts";
import type { SolveStatus, VertexStatus } from "../../../progress/mod.ts";
import { isSet } from "./fit-driver.ts";

/** What a push by the Docker Engine works with. */
export interface DockerPush {
  /** Of the Engine that has built the image. */
  readonly images: Pick<EngineImages, "distributionDigest" | "inspect" | "push">;
  readonly credentials: DockerCredentials;
  readonly update: (status: SolveStatus) => void;
  readonly now: () => Date;
  readonly signal: AbortSignal;
}

const digestKey = "containerimage.digest";
const configDigestKey = "containerimage.config.digest";

/**
 * Names that are left to the Docker Engine to push, because the BuildKit inside it cannot, in order. To the latter an empty `push=` means yes; here
 * it means no, as in buildx.
 */
export function namesToPush(
  { outputs }: PreparedBuild,
  { kind, features }: { readonly kind: DriverKind; readonly features: DriverFeatures },
): readonly string[] {
  if (kind !== "docker" || features.directPush) return [];
  const pushed = outputs.filter(({ exporter, attrs }) => exporter === "moby" && attrs.push && isSet(attrs.push));
  return [...new Set(pushed.flatMap(({ attrs }) => (attrs.name ?? "").split(",")))];
}

/**
 * Has the Docker Engine push what it has built, with this client's logins, one name after the other.
 * @returns the result with the digest by which the registry knows the image
 * @throws {BuildError} what the Engine, or the registry, says against it
 */
export async function pushByDocker(
  result: BuildResult,
  names: readonly string[],
  push: DockerPush,
): Promise<BuildResult> {
  const { images, signal } = push;
  for (const name of names) await pushOne(name, push);
  const [first] = names;
  if (first === undefined) return result;
  const held = await images.inspect(first, { signal });
  if (!held || held.repoDigests.length === 0) return result;
  const digest = await images.distributionDigest(first, { signal, auth: await loginFor(first, push) });
  const { response } = result;
  // What this Engine calls the image's digest is its ID.
  const id = response[configDigestKey] ?? response[digestKey];
  return {
    ...result,
    response: { ...response, ...(id === undefined ? {} : { [configDigestKey]: id }), [digestKey]: digest },
  };
}

async function pushOne(name: string, push: DockerPush): Promise<void> {
  const { images, update, now, signal } = push;
  const title = `pushing ${name} with docker`;
  const digest = `sha256:${createHash("sha256").update(title).digest("hex")}`;
  const time = () => BigInt(now().getTime()) * 1_000_000n;
  const vertex = { digest, inputs: [], name: title, cached: false, error: "", started: time() };
  const show = (status: Partial<SolveStatus>) =>
    update({ vertexes: [], statuses: [], logs: [], warnings: [], ...status });
  const layers = new LayerStatuses(digest, time);
  show({ vertexes: [vertex] });
  try {
    const auth = await loginFor(name, push);
    const onMessage = (message: EngineMessage) => show({ statuses: layers.after(message) });
    await images.push(name, { signal, auth, onMessage });
    show({ statuses: layers.end(), vertexes: [{ ...vertex, completed: time() } as typeof vertex] });
  } catch (error) {
    show({
      statuses: layers.end(),
      vertexes: [{ ...vertex, completed: time(), error: messageOf(error) } as typeof vertex],
    });
    throw error;
  }
}

async function loginFor(name: string, { credentials, signal }: DockerPush): Promise<RegistryLogin> {
  const { registry } = parseReference(name);
  return { login: await credentials.for(registry, { signal }), registry: loginKey(registry) };
}

/** The layers of one push. Those that the registry has already are not shown. */
class LayerStatuses {
  readonly #vertex: string;
  readonly #time: () => bigint;
  readonly #layers = new Map<string, VertexStatus>();
  constructor(vertex: string, time: () => bigint) {
    this.#vertex = vertex;
    this.#time = time;
  }
  /** What has changed by what the Engine says. */
  after({ id, status, current, total }: EngineMessage): readonly VertexStatus[] {
    if (id === undefined) return [];
    const done = status === "Pushed";
    const known = this.#layers.get(id);
    const moves = current !== undefined || total !== undefined;
    if (!known && !moves && !done) return [];
    const at = this.#time();
    const name = `pushing layer ${id}`;
    const before = known ?? { id: name, vertex: this.#vertex, name, current: 0n, total: 0n, started: at };
    const moved = moves ? { current: BigInt(current ?? 0), total: BigInt(total ?? 0) } : {};
    const next = { ...before, timestamp: at, ...moved };
    const layer = done ? { ...next, current: next.total, completed: at } : next;
    this.#layers.set(id, layer);
    return [layer];
  }
  /** The layers that were still under way, as ended. */
  end(): readonly VertexStatus[] {
    const at = this.#time();
    const open = [...this.#layers.values()].filter(({ completed }) => completed === undefined);
    return open.map((layer) => ({ ...layer, timestamp: at, completed: at }));
  }
}

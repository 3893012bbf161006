import { BuildError } from "../../../base/errors/mod.ts";
import { parseCsvFields } from "../../../base/text/csv/mod.ts";
import { parseByteSize, parseGoDuration } from "../../../base/text/go-values/mod.ts";
import { defaultEngineImage } from "../docker-container/container-options.ts";
import { DriverOptions, wrongValue } from "../options.ts";

/** Lets pods run on nodes that would not have them. */
export interface Toleration {
  readonly key?: string;
  readonly operator?: string;
  readonly value?: string;
  readonly effect?: string;
  readonly tolerationSeconds?: number;
}

/** What the kubernetes driver's options say. Quantities (`500m`, `4Gi`) are in Kubernetes' own notation. */
export interface KubernetesOptions {
  readonly image: string;
  /** `undefined`: the kubeconfig's. */
  readonly namespace: string | undefined;
  readonly replicas: number;
  /** By resource: `cpu`, `memory`, `ephemeral-storage`. */
  readonly requests: Readonly<Record<string, string>>;
  readonly limits: Readonly<Record<string, string>>;
  /** The state is kept in a claimed volume of this size. */
  readonly claim: string | undefined;
  /** The state is kept in memory, so much of it. */
  readonly rootVolumeMemory: string | undefined;
  readonly nodeSelector: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly labels: Readonly<Record<string, string>>;
  readonly tolerations: readonly Toleration[];
  readonly serviceAccount: string | undefined;
  readonly schedulerName: string | undefined;
  readonly rootless: boolean;
  readonly loadBalance: "sticky" | "random";
  readonly qemu: { readonly install: boolean; readonly image: string };
  readonly timeoutMs: number;
  readonly defaultLoad: boolean;
  readonly env: readonly { readonly name: string; readonly value: string }[];
}

/** Names that the driver itself gives. */
export const platformAnnotation = "buildx.docker.com/platform";
const resources = ["cpu", "memory", "ephemeral-storage"];
const quantity = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[numkMGTPE]|[KMGTPE]i|[eE][+-]?\d+)?$/;

/** @throws {BuildError} naming the option that is unknown, or whose value makes no sense */
export function parseKubernetesOptions(given: Readonly<Record<string, string>>): KubernetesOptions {
  const options = new DriverOptions("kubernetes", given);
  const amount = (name: string): string | undefined => {
    const value = options.take(name);
    if (value === undefined || quantity.test(value)) return value;
    return wrongValue(name, value, "a quantity, for instance 500m or 4Gi");
  };
  const amounts = (prefix: string) =>
    Object.fromEntries(
      resources.flatMap((name) => {
        const value = amount(`${prefix}.${name}`);
        return value === undefined ? [] : [[name, value]];
      }),
    );
  const pairs = (name: string, reserved: readonly string[]): Readonly<Record<string, string>> => {
    const parsed = parsePairs(name, options.take(name) ?? "");
    const taken = reserved.find((key) => Object.hasOwn(parsed, key));
    if (taken === undefined) return parsed;
    return wrongValue(name, taken, `another name: ${taken} is the driver's own`);
  };
  const rootless = options.takeBool("rootless", false);
  const image = options.take("image");
  if (rootless && image === undefined) {
    throw new BuildError(
      "unimplemented",
      `driver option rootless=true wants an image that runs without root: name one with image=, for instance moby/buildkit:buildx-stable-1-rootless`,
    );
  }
  const timeout = options.take("timeout") ?? "120s";
  const replicas = options.takeInteger("replicas") ?? 1;
  if (replicas < 1) return wrongValue("replicas", String(replicas), "at least 1");
  const parsed: KubernetesOptions = {
    image: image ?? defaultEngineImage,
    namespace: options.take("namespace"),
    replicas,
    requests: amounts("requests"),
    limits: amounts("limits"),
    claim: amount("persistent-volume-claim.requests.storage"),
    rootVolumeMemory: amount("buildkit-root-volume-memory"),
    nodeSelector: pairs("nodeselector", []),
    annotations: pairs("annotations", [platformAnnotation]),
    labels: pairs("labels", ["app"]),
    tolerations: parseTolerations(options.take("tolerations") ?? ""),
    serviceAccount: options.take("serviceaccount"),
    schedulerName: options.take("schedulername"),
    rootless,
    loadBalance: loadBalance(options.take("loadbalance") ?? "sticky"),
    qemu: {
      install: options.takeBool("qemu.install", false),
      image: options.take("qemu.image") ?? "tonistiigi/binfmt:latest",
    },
    timeoutMs: parseGoDuration(timeout) ?? wrongValue("timeout", timeout, "a duration, for instance 120s"),
    defaultLoad: options.takeBool("default-load", false),
    env: options.takeAll("env.").map(([name, value]) => {
      if (name !== "") return { name, value };
      throw new BuildError("invalid_argument", `invalid env option "env.", expecting env.FOO=bar`);
    }),
  };
  options.end();
  if (parsed.claim !== undefined && parsed.rootVolumeMemory !== undefined) {
    throw new BuildError(
      "invalid_argument",
      "driver options persistent-volume-claim.requests.storage and buildkit-root-volume-memory exclude each other: both say where the state is kept",
    );
  }
  if (parsed.rootVolumeMemory !== undefined && parseByteSize(parsed.rootVolumeMemory.replace(/i$/, "")) === 0) {
    return wrongValue("buildkit-root-volume-memory", parsed.rootVolumeMemory, "more than nothing");
  }
  return parsed;
}

function loadBalance(text: string): "sticky" | "random" {
  return text === "sticky" || text === "random" ? text : wrongValue("loadbalance", text, "sticky or random");
}

function parsePairs(option: string, text: string): Readonly<Record<string, string>> {
  if (text === "") return {};
  return Object.fromEntries(
    parseCsvFields(text).map((field) => {
      const at = field.indexOf("=");
      if (at < 1) return wrongValue(option, field, "key=value pairs, with commas between");
      return [field.slice(0, at).trim(), field.slice(at + 1).trim()];
    }),
  );
}

function parseTolerations(text: string): readonly Toleration[] {
  return text
    .split(";")
    .filter((part) => part.trim() !== "")
    .map((part) => {
      const { key, operator, value, effect, tolerationSeconds, ...unknown } = parsePairs("tolerations", part);
      const [wrong] = Object.keys(unknown);
      if (wrong !== undefined) {
        return wrongValue("tolerations", wrong, "key, operator, value, effect or tolerationSeconds");
      }
      if (tolerationSeconds !== undefined && !/^\d+$/.test(tolerationSeconds)) {
        return wrongValue("tolerations", tolerationSeconds, "a whole number of seconds");
      }
      return {
        ...(key === undefined ? {} : { key }),
        ...(operator === undefined ? {} : { operator }),
        ...(value === undefined ? {} : { value }),
        ...(effect === undefined ? {} : { effect }),
        ...(tolerationSeconds === undefined ? {} : { tolerationSeconds: Number(tolerationSeconds) }),
      };
    });
}

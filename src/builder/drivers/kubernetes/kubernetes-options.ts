import { BuildError } from "../../../base/errors/mod.ts";
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

/** Where rootless engines come from: ours needs root. */
const rootlessImage = "moby/buildkit:buildx-stable-1-rootless";
/** Names that the driver itself gives. */
export const platformAnnotation = "buildx.docker.com/platform";
const resources = ["cpu", "memory", "ephemeral-storage"];
const notAQuantity = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";
const quantity = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[numkMGTPE]|[KMGTPE]i|[eE][+-]?\d+)?$/;

/** @throws {BuildError} naming the option that is unknown, or whose value makes no sense */
export function parseKubernetesOptions(given: Readonly<Record<string, string>>): KubernetesOptions {
  const options = new DriverOptions("kubernetes", given);
  const amount = (name: string): string | undefined => {
    const value = options.take(name);
    if (value === undefined || quantity.test(value)) return value;
    return wrongValue(name, value, "a quantity, for instance 500m or 4Gi", notAQuantity);
  };
  const amounts = (prefix: string) =>
    Object.fromEntries(
      resources.flatMap((name) => {
        const value = amount(`${prefix}.${name}`);
        return value === undefined ? [] : [[name, value]];
      }),
    );
  const pairs = (name: string, what: string, reserved?: readonly [kind: string, name: string]) => {
    const value = options.takeRaw(name);
    const parsed = value === undefined ? {} : parsePairs(name, value, `cannot parse ${what}`);
    const [kind, taken = ""] = reserved ?? [];
    if (!Object.hasOwn(parsed, taken)) return parsed;
    const said = `the ${kind} ${JSON.stringify(taken)} is reserved and cannot be customized`;
    return wrongValue(name, value ?? "", "other names", said);
  };
  const rootless = options.takeBool("rootless", false);
  const timeout = options.takeRaw("timeout") ?? "120s";
  const replicas = options.takeInteger("replicas", "Atoi") ?? 1;
  if (replicas < 1) return wrongValue("replicas", String(replicas), "at least 1");
  const parsed: KubernetesOptions = {
    image: options.take("image") ?? (rootless ? rootlessImage : defaultEngineImage),
    namespace: options.take("namespace"),
    replicas,
    requests: amounts("requests"),
    limits: amounts("limits"),
    claim: amount("persistent-volume-claim.requests.storage"),
    rootVolumeMemory: amount("buildkit-root-volume-memory"),
    nodeSelector: pairs("nodeselector", "node selector"),
    annotations: pairs("annotations", "annotations", ["annotation", platformAnnotation]),
    labels: pairs("labels", "labels", ["label", "app"]),
    tolerations: parseTolerations(options.take("tolerations") ?? ""),
    serviceAccount: options.take("serviceaccount"),
    schedulerName: options.take("schedulername"),
    rootless,
    loadBalance: loadBalance(options.takeRaw("loadbalance") ?? "sticky"),
    qemu: {
      install: options.takeBool("qemu.install", false),
      image: options.take("qemu.image") ?? "tonistiigi/binfmt:latest",
    },
    timeoutMs:
      parseGoDuration(timeout) ??
      wrongValue(
        "timeout",
        timeout,
        "a duration, for instance 120s",
        `cannot parse timeout: time: invalid duration ${JSON.stringify(timeout)}`,
      ),
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
  if (text === "sticky" || text === "random") return text;
  return wrongValue("loadbalance", text, "sticky or random", `invalid loadbalance ${JSON.stringify(text)}`);
}

/** `k=v` with commas between, all of it in quotes or not. */
function parsePairs(option: string, text: string, failed: string): Readonly<Record<string, string>> {
  return Object.fromEntries(
    text
      .replaceAll(/^"+|"+$/g, "")
      .split(",")
      .map((pair) => {
        const parts = pair.split("=");
        if (parts.length === 2) return parts as [string, string];
        const want = "key=value pairs, with commas between";
        return wrongValue(option, text, want, `${failed}: invalid key-value pair: ${pair}`);
      }),
  );
}

function parseTolerations(text: string): readonly Toleration[] {
  const refuse = (want: string, said = `invalid tolaration ${JSON.stringify(text)}`) =>
    wrongValue("tolerations", text, want, said);
  return text
    .split(";")
    .filter((part) => part !== "")
    .map((part) => {
      const pairs = parsePairs("tolerations", part, `invalid tolaration ${JSON.stringify(text)}`);
      const { key, operator, value, effect, tolerationSeconds, ...unknown } = pairs;
      if (Object.keys(unknown).length > 0) refuse("key, operator, value, effect or tolerationSeconds");
      if (tolerationSeconds !== undefined && !/^[+-]?\d+$/.test(tolerationSeconds)) {
        const said = `strconv.Atoi: parsing ${JSON.stringify(tolerationSeconds)}: invalid syntax`;
        refuse("a whole number of seconds", said);
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

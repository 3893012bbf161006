import { BuildError } from "../../../base/errors/mod.ts";
import { parseByteSize } from "../../../base/text/go-values/mod.ts";
import { DriverOptions, wrongValue } from "../options.ts";

const policies = ["always", "no", "on-failure", "unless-stopped"] as const;

/** When a container is started again by its engine. */
export interface RestartPolicy {
  readonly name: (typeof policies)[number];
  readonly maximumRetryCount: number;
}

/** What the docker-container driver's options say. */
export interface ContainerOptions {
  readonly image: string;
  readonly memoryBytes?: number | undefined;
  /** -1 means without limit. */
  readonly memorySwapBytes?: number | undefined;
  readonly cpuQuota?: number | undefined;
  readonly cpuPeriod?: number | undefined;
  readonly cpuShares?: number | undefined;
  readonly cpusetCpus?: string | undefined;
  readonly cpusetMems?: string | undefined;
  readonly network?: string | undefined;
  readonly cgroupParent?: string | undefined;
  readonly restartPolicy: RestartPolicy;
  /** `NAME=value` each. */
  readonly env: readonly string[];
  readonly defaultLoad: boolean;
  /** Hands what GitHub Actions says of itself to the engine, for provenance. */
  readonly addGithubContext: boolean;
  /** Uses the engine's image even where it would not be trusted. No image is looked at for trust yet, so both values mean the same. */
  readonly allowUntrustedImage: boolean;
}

/** The image of our engine that goes with this client. */
export const defaultEngineImage = "polyarch/engine:stable-1";

/** @throws {BuildError} naming the option that is unknown, or whose value makes no sense */
export function parseContainerOptions(given: Readonly<Record<string, string>>): ContainerOptions {
  const options = new DriverOptions("docker-container", given);
  const size = (name: string, unlimited: boolean) => {
    const value = options.takeRaw(name);
    if (value === undefined) return undefined;
    if (unlimited && value === "-1") return -1;
    return parseByteSize(value) ?? wrongValue(name, value, "a size, for instance 512m", `invalid size: '${value}'`);
  };
  const parsed: ContainerOptions = {
    image: options.take("image") ?? defaultEngineImage,
    memoryBytes: size("memory", false),
    memorySwapBytes: size("memory-swap", true),
    cpuQuota: options.takeInteger("cpu-quota"),
    cpuPeriod: options.takeInteger("cpu-period"),
    cpuShares: options.takeInteger("cpu-shares"),
    cpusetCpus: options.take("cpuset-cpus"),
    cpusetMems: options.take("cpuset-mems"),
    network: options.take("network"),
    cgroupParent: options.take("cgroup-parent"),
    restartPolicy: parseRestartPolicy(options.take("restart-policy") ?? "unless-stopped"),
    env: options.takeAll("env.").map(([name, value]) => {
      if (name !== "") return `${name}=${value}`;
      throw new BuildError("invalid_argument", `invalid env option "env.", expecting env.FOO=bar`);
    }),
    defaultLoad: options.takeBool("default-load", false),
    addGithubContext: options.takeBool("provenance-add-gha", true),
    allowUntrustedImage: options.takeBool("allow-untrusted-image", false),
  };
  options.end();
  return parsed;
}

function parseRestartPolicy(text: string): RestartPolicy {
  const refuse = (said: string): never =>
    wrongValue("restart-policy", text, "no, always, on-failure[:max-retries] or unless-stopped", said);
  const [, name = "", count] = /^([^:]*)(?::(.*))?$/s.exec(text) ?? [];
  if (name === "") return refuse("invalid restart policy format: no policy provided before colon");
  if (count !== undefined && !/^[+-]?\d+$/.test(count)) {
    return refuse("invalid restart policy format: maximum retry count must be an integer");
  }
  if (!policies.some((policy) => policy === name)) return refuse(`invalid restart policy: unknown policy '${name}'`);
  if (count !== undefined && name !== "on-failure") {
    return refuse(`invalid restart policy: maximum retry count cannot be used with restart policy '${name}'`);
  }
  const maximumRetryCount = Number(count ?? 0);
  if (maximumRetryCount < 0) return refuse("invalid restart policy: maximum retry count cannot be negative");
  return { name: name as RestartPolicy["name"], maximumRetryCount };
}

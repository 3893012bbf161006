/** A name and what it stands for. */
export interface NameValue {
  readonly Name: string;
  /** Nothing when it is empty. */
  readonly Value?: string;
}

/** What a build was asked to do, sorted out of its frontend's attributes; what was not asked for is left out. */
export interface AskedFor {
  readonly Target?: string;
  readonly Platform?: readonly string[];
  readonly KeepGitDir?: boolean;
  readonly NamedContexts?: readonly NameValue[];
  readonly VCSRepository?: string;
  readonly VCSRevision?: string;
  readonly BuildArgs?: readonly NameValue[];
  readonly Labels?: readonly NameValue[];
  /** Settings, by what they are called; `RestRaw` are attributes that nobody knows. */
  readonly Config: Readonly<Record<string, unknown>> & { readonly RestRaw?: readonly NameValue[] };
}

/** Attributes that are a setting each: what the setting is called, and how its text is read. */
const settings: Readonly<Record<string, readonly [name: string, read?: (text: string) => unknown]>> = {
  "force-network-mode": ["Network"],
  "add-hosts": ["ExtraHosts", list],
  hostname: ["Hostname"],
  "cgroup-parent": ["CgroupParent"],
  "image-resolve-mode": ["ImageResolveMode"],
  "multi-platform": ["MultiPlatform", flag],
  "shm-size": ["ShmSize"],
  ulimit: ["Ulimit"],
  memory: ["Memory"],
  memswap: ["MemorySwap"],
  cpushares: ["CPUShares"],
  cpuperiod: ["CPUPeriod"],
  cpuquota: ["CPUQuota"],
  cpusetcpus: ["CPUSetCPUs"],
  cpusetmems: ["CPUSetMems"],
  "build-arg:BUILDKIT_CACHE_MOUNT_NS": ["CacheMountNS"],
  "build-arg:BUILDKIT_DOCKERFILE_CHECK": ["DockerfileCheckConfig"],
  "build-arg:SOURCE_DATE_EPOCH": ["SourceDateEpoch"],
  "build-arg:SANDBOX_HOSTNAME": ["SandboxHostname"],
  "build-arg:BUILDKIT_MULTI_PLATFORM": ["MultiPlatform", flag],
};

/** Attributes that are told elsewhere, or are between client and engine. */
const elsewhere =
  /^(?:filename|target|platform|frontend\.caps|vcs:.*|attest:.*|build-arg:BUILDKIT_CONTEXT_KEEP_GIT_DIR)$/s;

/**
 * Sorts a build's attributes into what people asked for.
 * @param options.isContextShown whether the attribute `context` is told elsewhere
 */
export function askedFor(
  attrs: Readonly<Record<string, string>>,
  { isContextShown }: { readonly isContextShown: boolean },
): AskedFor {
  const named: Record<"build-arg:" | "label:" | "context:", NameValue[]> = {
    "build-arg:": [],
    "label:": [],
    "context:": [],
  };
  const config: Record<string, unknown> = {};
  const rest: NameValue[] = [];
  for (const [key, value] of Object.entries(attrs).toSorted(([a], [b]) => (a < b ? -1 : 1))) {
    const [, prefix, name = ""] = /^(build-arg:|label:|context:)(.+)$/s.exec(key) ?? [];
    const setting = Object.hasOwn(settings, key) ? settings[key] : undefined;
    if (prefix !== undefined && !elsewhere.test(key)) {
      named[prefix as keyof typeof named].push({ Name: name, ...some("Value", value) });
    }
    if (setting) {
      const [field, read = (text: string) => text] = setting;
      const shown = read(value);
      if (shown !== "" && shown !== false) config[field] = shown;
    } else if (key === "no-cache") {
      if (value === "") config["NoCache"] = true;
      else config["NoCacheFilter"] = list(value);
    } else if (prefix === undefined && !elsewhere.test(key) && !(key === "context" && isContextShown)) {
      rest.push({ Name: key, ...some("Value", value) });
    }
  }
  const isElsewhere = "context" in attrs && !isContextShown;
  const { target = "", platform = "", "vcs:source": source = "", "vcs:revision": revision = "" } = attrs;
  return {
    ...(isElsewhere ? {} : { ...some("VCSRepository", source), ...some("VCSRevision", revision) }),
    ...some("Target", target),
    ...some("Platform", list(platform)),
    ...(flag(attrs["build-arg:BUILDKIT_CONTEXT_KEEP_GIT_DIR"] ?? "") ? { KeepGitDir: true } : {}),
    ...some("NamedContexts", named["context:"]),
    ...some("BuildArgs", named["build-arg:"]),
    ...some("Labels", named["label:"]),
    Config: { ...inOrder(config), ...some("RestRaw", rest) },
  };
}

/** As people are used to see them. */
function inOrder(config: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const names = Object.values(settings).map(([name]) => name);
  names.splice(names.indexOf("ShmSize"), 0, "NoCache", "NoCacheFilter");
  return Object.fromEntries(names.flatMap((name) => (name in config ? [[name, config[name]]] : [])));
}

function list(text: string): readonly string[] {
  return text === "" ? [] : text.split(",");
}

function flag(text: string): boolean {
  return /^(?:1|t|true)$/i.test(text);
}

function some<K extends string, V extends string | readonly unknown[]>(key: K, value: V): { readonly [key in K]?: V } {
  return (value.length > 0 ? { [key]: value } : {}) as { readonly [key in K]?: V };
}

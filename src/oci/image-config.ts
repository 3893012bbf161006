import { sortedMap } from "./descriptor.ts";
import { type Digest, digestOf, parseDigest } from "./digest.ts";
import { Fields, optional, parseJson, wrong } from "./fields.ts";
import { manifestLimitBytes } from "./manifest.ts";
import { normalizePlatform, type Platform } from "./platform.ts";

/**
 * The JSON that a container starts from, in the spelling of the image specification. Fields that are not listed here are kept as they
 * came, by decoding, by spreading and by encoding.
 * @see https://github.com/opencontainers/image-spec/blob/main/config.md
 */
export interface ImageConfig {
  readonly architecture: string;
  readonly os: string;
  readonly variant?: string;
  readonly "os.version"?: string;
  readonly "os.features"?: readonly string[];
  /** RFC 3339. */
  readonly created?: string;
  readonly author?: string;
  readonly config?: ContainerConfig;
  readonly rootfs: RootFs;
  /** One entry per instruction, base first. */
  readonly history?: readonly HistoryEntry[];
  /** What BuildKit keeps there so that other engines need not build the image again: a list of contents of a cache, base64. */
  readonly "moby.buildkit.cache.v0"?: string;
}

/** What runs when the image is started. */
export interface ContainerConfig {
  readonly User?: string;
  readonly ExposedPorts?: Readonly<Record<string, Readonly<Record<string, never>>>>;
  /** `KEY=value`. */
  readonly Env?: readonly string[];
  readonly Entrypoint?: readonly string[];
  readonly Cmd?: readonly string[];
  readonly Volumes?: Readonly<Record<string, Readonly<Record<string, never>>>>;
  readonly WorkingDir?: string;
  readonly Labels?: Readonly<Record<string, string>>;
  readonly StopSignal?: string;
  readonly ArgsEscaped?: boolean;
  readonly Healthcheck?: Healthcheck;
  readonly OnBuild?: readonly string[];
  readonly Shell?: readonly string[];
}

/** How to see whether a container is well. Durations in nanoseconds. */
export interface Healthcheck {
  readonly Test?: readonly string[];
  readonly Interval?: number;
  readonly Timeout?: number;
  readonly StartPeriod?: number;
  readonly StartInterval?: number;
  readonly Retries?: number;
}

/** The stack of layers, by the digests of their uncompressed tars. */
export interface RootFs {
  readonly type: "layers";
  /** Base first. */
  readonly diff_ids: readonly Digest[];
}

/** How one layer (or, with `empty_layer`, no layer) came to be. */
export interface HistoryEntry {
  readonly created?: string;
  readonly created_by?: string;
  readonly author?: string;
  readonly comment?: string;
  readonly empty_layer?: boolean;
}

/** Decodes and checks an image config. @throws {BuildError} `invalid_argument` */
export function decodeImageConfig(bytes: Uint8Array): ImageConfig {
  const value = parseJson(bytes, "image config", manifestLimitBytes);
  const fields = new Fields(value, "image config");
  const known = {
    architecture: fields.optionalString("architecture") ?? "",
    os: fields.optionalString("os") ?? "",
    ...optional("variant", fields.optionalString("variant") || undefined),
    ...optional("os.version", fields.optionalString("os.version") || undefined),
    ...optional("os.features", fields.optionalStrings("os.features")),
    ...optional("created", fields.optionalString("created")),
    ...optional("author", fields.optionalString("author")),
    ...optional("config", fields.optionalObject("config", decodeContainerConfig)),
    rootfs: fields.optionalObject("rootfs", decodeRootFs) ?? { type: "layers", diff_ids: [] },
    ...optional("history", fields.optionalList("history", decodeHistory)),
  };
  return { ...unknownFields(fields, knownFields), ...known } as ImageConfig;
}

/** Compact JSON. Top-level fields and maps are sorted, container settings come in the specification's order: one text for one value. */
export function encodeImageConfig(config: ImageConfig): Uint8Array {
  const { config: container } = config;
  const sorted = sortedMap({ ...config, ...(container ? { config: orderContainerConfig(container) } : {}) });
  return new TextEncoder().encode(JSON.stringify(sorted));
}

/** The platform that a config is for, normalized. */
export function platformOfConfig(config: ImageConfig): Platform {
  return normalizePlatform({
    os: config.os,
    architecture: config.architecture,
    ...optional("variant", config.variant),
    ...optional("osVersion", config["os.version"]),
    ...optional("osFeatures", config["os.features"]),
  });
}

/** The four fields that say what `platform` a config is for. */
export function configPlatform(
  platform: Platform,
): Pick<ImageConfig, "architecture" | "os" | "variant" | "os.version" | "os.features"> {
  return {
    architecture: platform.architecture,
    os: platform.os,
    ...optional("variant", platform.variant),
    ...optional("os.version", platform.osVersion),
    ...optional("os.features", platform.osFeatures),
  };
}

/**
 * Names a stack of layers: digest over the diffIDs, base first. One layer's chainID is its diffID.
 * @see https://github.com/opencontainers/image-spec/blob/main/config.md#layer-chainid
 */
export function chainId(diffIds: readonly [Digest, ...Digest[]]): Digest;
/** `undefined` for the empty stack. */
export function chainId(diffIds: readonly Digest[]): Digest | undefined;
export function chainId(diffIds: readonly Digest[]): Digest | undefined {
  return chainIds(diffIds).at(-1);
}

/** The chain IDs of all stacks on the way: of the first layer, of the first two, and so on. */
export function chainIds(diffIds: readonly Digest[]): readonly Digest[] {
  const ids: Digest[] = [];
  for (const diffId of diffIds) {
    const below = ids.at(-1);
    ids.push(below === undefined ? diffId : digestOf(`${below} ${diffId}`));
  }
  return ids;
}

const knownFields = [
  "architecture",
  "os",
  "variant",
  "os.version",
  "os.features",
  "created",
  "author",
  "config",
  "rootfs",
  "history",
];
const containerFields =
  "User ExposedPorts Env Entrypoint Cmd Volumes WorkingDir Labels StopSignal ArgsEscaped Healthcheck OnBuild Shell".split(
    " ",
  );

function decodeContainerConfig(value: unknown, where: string): ContainerConfig {
  const fields = new Fields(value, where);
  const known: ContainerConfig = {
    ...optional("User", fields.optionalString("User")),
    ...optional("ExposedPorts", fields.optionalMap("ExposedPorts", decodeEmpty)),
    ...optional("Env", fields.optionalStrings("Env")),
    ...optional("Entrypoint", fields.optionalStrings("Entrypoint")),
    ...optional("Cmd", fields.optionalStrings("Cmd")),
    ...optional("Volumes", fields.optionalMap("Volumes", decodeEmpty)),
    ...optional("WorkingDir", fields.optionalString("WorkingDir")),
    ...optional("Labels", fields.optionalStringMap("Labels")),
    ...optional("StopSignal", fields.optionalString("StopSignal")),
    ...optional("ArgsEscaped", fields.optionalBoolean("ArgsEscaped")),
    ...optional("Healthcheck", fields.optionalObject("Healthcheck", decodeHealthcheck)),
    ...optional("OnBuild", fields.optionalStrings("OnBuild")),
    ...optional("Shell", fields.optionalStrings("Shell")),
  };
  return { ...unknownFields(fields, containerFields), ...known };
}

function decodeHealthcheck(value: unknown, where: string): Healthcheck {
  const fields = new Fields(value, where);
  return {
    ...optional("Test", fields.optionalStrings("Test")),
    ...optional("Interval", fields.optionalSize("Interval")),
    ...optional("Timeout", fields.optionalSize("Timeout")),
    ...optional("StartPeriod", fields.optionalSize("StartPeriod")),
    ...optional("StartInterval", fields.optionalSize("StartInterval")),
    ...optional("Retries", fields.optionalSize("Retries")),
  };
}

function decodeRootFs(value: unknown, where: string): RootFs {
  const fields = new Fields(value, where);
  const type = fields.optionalString("type") ?? "layers";
  if (type !== "layers") throw wrong(`${where}.type`, '"layers"', type);
  return { type, diff_ids: (fields.optionalStrings("diff_ids") ?? []).map(parseDigest) };
}

function decodeHistory(value: unknown, where: string): HistoryEntry {
  const fields = new Fields(value, where);
  return {
    ...optional("created", fields.optionalString("created")),
    ...optional("created_by", fields.optionalString("created_by")),
    ...optional("author", fields.optionalString("author")),
    ...optional("comment", fields.optionalString("comment")),
    ...optional("empty_layer", fields.optionalBoolean("empty_layer")),
  };
}

function decodeEmpty(): Readonly<Record<string, never>> {
  return {};
}

function unknownFields(fields: Fields, known: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(
    fields.names.filter((name) => !known.includes(name)).map((name) => [name, fields.raw(name)]),
  );
}

function orderContainerConfig(config: ContainerConfig): Record<string, unknown> {
  const values: Record<string, unknown> = {
    ...config,
    ...(config.ExposedPorts ? { ExposedPorts: sortedMap(config.ExposedPorts) } : {}),
    ...(config.Volumes ? { Volumes: sortedMap(config.Volumes) } : {}),
    ...(config.Labels ? { Labels: sortedMap(config.Labels) } : {}),
  };
  const names = [
    ...containerFields,
    ...Object.keys(values)
      .filter((name) => !containerFields.includes(name))
      .sort(),
  ];
  return Object.fromEntries(names.filter((name) => values[name] !== undefined).map((name) => [name, values[name]]));
}

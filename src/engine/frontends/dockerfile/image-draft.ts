import { splitVariable } from "../../../dockerfile/mod.ts";
import {
  configPlatform,
  type ContainerConfig,
  type HistoryEntry,
  type ImageConfig,
  type Platform,
} from "../../../oci/mod.ts";

/** Where programs are looked for when nobody says otherwise. */
export const defaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** What `FROM scratch` starts from. */
export function emptyImage(platform: Platform): ImageConfig {
  return {
    ...configPlatform(platform),
    config: { Env: [`PATH=${defaultPath}`], WorkingDir: "/" },
    rootfs: { type: "layers", diff_ids: [] },
  };
}

/** Settings that are kept apart, since instructions add to them one by one. */
type Collected = "Env" | "Labels" | "ExposedPorts" | "Volumes" | "OnBuild";

/** No registry takes a config that is larger; variables that double each other would make one in a few lines. */
const maxAddedLength = 8 * 1024 * 1024;

/** The config of an image while instructions change it. */
export class ImageDraft {
  /** Variables keep the place at which they were first set. */
  readonly environment: Map<string, string>;
  readonly labels: Map<string, string>;
  readonly exposedPorts: Set<string>;
  readonly volumes: Set<string>;
  /** Instructions for builds that start from this image. */
  onBuild: string[];
  /** Everything else that containers start with; `undefined` is not set. */
  readonly settings: { -readonly [K in Exclude<keyof ContainerConfig, Collected>]?: ContainerConfig[K] | undefined };
  author: string | undefined;
  readonly #history: HistoryEntry[];
  /** What nothing here changes: platform, layers, unknown fields. */
  readonly #base: ImageConfig;
  #addedLength = 0;

  /** Starts from `base`, whose time of creation does not count any more. */
  constructor(base: ImageConfig | ImageDraft) {
    if (base instanceof ImageDraft) {
      this.environment = new Map(base.environment);
      this.labels = new Map(base.labels);
      this.exposedPorts = new Set(base.exposedPorts);
      this.volumes = new Set(base.volumes);
      this.onBuild = [...base.onBuild];
      this.settings = { ...base.settings };
      this.author = base.author;
      this.#history = [...base.#history];
      this.#base = base.#base;
      this.#addedLength = base.#addedLength;
      return;
    }
    const { created: _, ...rest } = base;
    const { Env = [], Labels = {}, ExposedPorts = {}, Volumes = {}, OnBuild = [], ...settings } = base.config ?? {};
    this.environment = new Map(Env.map(splitVariable));
    this.labels = new Map(Object.entries(Labels));
    this.exposedPorts = new Set(Object.keys(ExposedPorts));
    this.volumes = new Set(Object.keys(Volumes));
    this.onBuild = [...OnBuild];
    this.settings = { ...settings };
    this.author = base.author;
    this.#history = [...(base.history ?? [])];
    this.#base = rest;
  }

  /** The same, to be changed on its own. */
  copy(): ImageDraft {
    return new ImageDraft(this);
  }

  /** Adds a line of history. @throws {Error} when all that was added becomes larger than any config may be */
  record(createdBy: string, options: { readonly layer: boolean; readonly epochSeconds: bigint | undefined }): void {
    this.#addedLength += createdBy.length;
    if (this.#addedLength > maxAddedLength) throw new Error(`image config is larger than ${maxAddedLength} bytes`);
    this.#history.push({
      ...(options.epochSeconds !== undefined && { created: formatEpoch(options.epochSeconds) }),
      created_by: createdBy,
      comment: "buildkit.dockerfile.v0",
      ...(!options.layer && { empty_layer: true }),
    });
  }

  /** The config as it stands. */
  finish(): ImageConfig {
    const container = Object.entries({
      ...this.settings,
      Env: unlessEmpty([...this.environment].map(([name, value]) => `${name}=${value}`)),
      OnBuild: unlessEmpty(this.onBuild),
      Labels: this.labels.size > 0 ? Object.fromEntries(this.labels) : undefined,
      ExposedPorts: asKeys(this.exposedPorts),
      Volumes: asKeys(this.volumes),
    }).filter(([, value]) => value !== undefined);
    return {
      ...this.#base,
      ...(this.author !== undefined && { author: this.author }),
      config: Object.fromEntries(container) as ContainerConfig,
      ...(this.#history.length > 0 && { history: this.#history }),
    };
  }
}

const unlessEmpty = (list: readonly string[]) => (list.length > 0 ? list : undefined);

const asKeys = (names: ReadonlySet<string>) =>
  names.size > 0 ? Object.fromEntries([...names].sort().map((name) => [name, {}])) : undefined;

/** RFC 3339 without fractions, as Go writes whole seconds. */
function formatEpoch(seconds: bigint): string {
  return new Date(Number(seconds) * 1000).toISOString().replace(/\.000Z$/, "Z");
}

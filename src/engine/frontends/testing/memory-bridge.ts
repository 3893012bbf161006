import type { pb } from "../../../api/mod.ts";
import { BuildError } from "../../../base/errors/mod.ts";
import { decodeDefinition } from "../../../llb/mod.ts";
import {
  type Digest,
  digestOf,
  formatPlatform,
  type ImageConfig,
  parsePlatform,
  type Platform,
} from "../../../oci/mod.ts";
import type { Bridge, BridgeRef, FrontendResult, FrontendWarning, ResolvedImageConfig, SourceTime } from "../bridge.ts";

/** What a {@link MemoryBridge} knows. */
export interface MemoryBridgeOptions {
  readonly options?: Readonly<Record<string, string>>;
  /** Files of every directory that the client shares. */
  readonly files: Readonly<Record<string, string | Uint8Array>>;
  /** Configs by spelled-out reference; what is missing there is not found. */
  readonly images?: Readonly<Record<string, Partial<ImageConfig>>>;
  readonly platforms?: readonly string[];
  /** What sources know of their times, by the beginning of their identifiers. */
  readonly times?: Readonly<Record<string, number>>;
}

/** An engine for tests of frontends: directories and images in memory, and a record of what was asked. */
export class MemoryBridge implements Bridge {
  readonly options: Readonly<Record<string, string>>;
  readonly sessionId = "session";
  readonly platforms: readonly Platform[];
  readonly inputs = {};
  readonly lookUps: string[] = [];
  readonly warnings: FrontendWarning[] = [];
  /** Names of the vertices of graphs that were looked into. */
  readonly read: string[] = [];
  readonly #given: MemoryBridgeOptions;

  constructor(given: MemoryBridgeOptions) {
    this.#given = given;
    this.options = given.options ?? {};
    this.platforms = (given.platforms ?? ["linux/amd64"]).map((text) => parsePlatform(text));
  }

  resolveImageConfig(
    ref: string,
    { platform, logName }: Parameters<Bridge["resolveImageConfig"]>[1],
  ): Promise<ResolvedImageConfig> {
    this.lookUps.push(logName);
    const image = this.#given.images?.[ref];
    if (!image) return Promise.reject(new BuildError("not_found", `${ref}: not found`));
    const config = new TextEncoder().encode(
      JSON.stringify({
        architecture: platform.architecture,
        os: platform.os,
        ...(platform.variant && { variant: platform.variant }),
        created: "2020-01-01T00:00:00Z",
        rootfs: { type: "layers", diff_ids: [digestOf(`layer of ${ref}`)] },
        ...image,
      }),
    );
    return Promise.resolve({ ref, digest: digestOf(`manifest of ${ref}`) satisfies Digest, config });
  }

  /** There are no images to run: what would be run is in the failure. */
  runFrontend(attributes: Readonly<Record<string, string>>): Promise<FrontendResult> {
    const { source = "", cmdline = "" } = attributes;
    return Promise.reject(new BuildError("not_found", `frontend ${source} as ${JSON.stringify(cmdline)}: not found`));
  }

  sourceTime(definition: pb.Definition): Promise<SourceTime | undefined> {
    const sources = [...decodeDefinition(definition).ops.values()].flatMap(({ op }) =>
      op.op.case === "source" ? [op.op.value.identifier] : [],
    );
    const [identifier, ...others] = sources;
    if (identifier === undefined || others.length > 0) return Promise.resolve(undefined);
    const known = Object.entries(this.#given.times ?? {}).find(([start]) => identifier.startsWith(start));
    return Promise.resolve({ scheme: identifier.slice(0, identifier.indexOf("://")), seconds: known?.[1] });
  }

  solve(definition: pb.Definition): Promise<BridgeRef> {
    const { ops, result } = decodeDefinition(definition);
    const name = (result && ops.get(result.digest)?.name) ?? "scratch";
    const { files } = this.#given;
    return Promise.resolve({
      readFile: (path) => {
        this.read.push(`${name}: ${path}`);
        const content = files[path];
        if (content === undefined)
          return Promise.reject(new BuildError("not_found", `open ${path}: no such file or directory`));
        return Promise.resolve(typeof content === "string" ? new TextEncoder().encode(content) : content);
      },
      stat: (path) => {
        const content = files[path];
        return Promise.resolve(content === undefined ? undefined : { path, type: "file", size: content.length });
      },
      newestFile: () => Promise.resolve(undefined),
      readDir: () =>
        Promise.resolve(Object.entries(files).map(([path, content]) => ({ path, type: "file", size: content.length }))),
    });
  }

  warn(warning: FrontendWarning): void {
    this.warnings.push(warning);
  }

  /** For messages of tests. */
  toString(): string {
    return `bridge on ${this.platforms.map(formatPlatform).join(", ")}`;
  }
}

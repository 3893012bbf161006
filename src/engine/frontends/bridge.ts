import type { pb } from "../../api/mod.ts";
import type { SourceRange } from "../../base/errors/mod.ts";
import type { Digest, Platform } from "../../oci/mod.ts";

/** How an image name is looked up: `default` and `pull` ask the registry, `local` prefers what the engine already has. */
export type ImageResolveMode = "default" | "pull" | "local";

/** An image's configuration, and what its name means right now. */
export interface ResolvedImageConfig {
  /** The reference to use from now on; differs from the one asked for when a source policy rewrote it. */
  readonly ref: string;
  /** Of the manifest or index that the name stands for; the frontend pins it. `undefined`: leave the name as it is. */
  readonly digest: Digest | undefined;
  /** The config JSON of the image for the platform asked for, bytes as stored. */
  readonly config: Uint8Array;
}

/** Something for people that does not fail the build. */
export interface FrontendWarning {
  /** One line. */
  readonly short: string;
  readonly detail?: readonly string[];
  readonly url?: string;
  /** Every place that it speaks of. */
  readonly locations?: readonly SourceRange[];
  /** Vertex that it belongs to: the one that loaded the Dockerfile. */
  readonly vertex?: Digest;
}

/** Status of a file in a result, as far as frontends look. */
export interface BridgeFileStat {
  readonly path: string;
  readonly type: "file" | "directory" | "symlink" | "other";
  readonly size: number;
}

/**
 * A result that is not computed before somebody looks into it. Held until the build ends, nobody needs to release it.
 *
 * Paths are relative to the result's root and resolved inside it, symlinks included.
 */
export interface BridgeRef {
  /** @throws {BuildError} `not_found`, message `open <path>: no such file or directory`; `resource_exhausted` beyond `maxBytes` */
  readFile(
    path: string,
    options: {
      signal: AbortSignal;
      maxBytes?: number;
      /** Only so many from the file's beginning; its size does not count then. */
      startBytes?: number;
    },
  ): Promise<Uint8Array>;
  /** `undefined` when there is no such file. */
  stat(path: string, options: { signal: AbortSignal }): Promise<BridgeFileStat | undefined>;
  /** Entries of a directory, sorted by name. @throws {BuildError} `not_found` */
  readDir(path: string, options: { signal: AbortSignal }): Promise<readonly BridgeFileStat[]>;
  /** Time of the regular file, anywhere in the tree, that was changed last, in whole seconds since the epoch; `undefined`: there is no file. */
  newestFile(options: { signal: AbortSignal }): Promise<number | undefined>;
}

/** What a source knows of its time. */
export interface SourceTime {
  /** `git`, `https` and so on. */
  readonly scheme: string;
  readonly seconds: number | undefined;
}

/** All that a frontend may ask of the engine. One per build. */
export interface Bridge {
  /** `FrontendAttrs` of the request, unchanged. */
  readonly options: Readonly<Record<string, string>>;
  /** Session of the client that asked for the build; goes into local sources. Empty: any session of the job. */
  readonly sessionId: string;
  /** What the worker can run, native first. Never empty. */
  readonly platforms: readonly Platform[];
  /** Graphs that the client sent along by name (`FrontendInputs`). */
  readonly inputs: Readonly<Record<string, pb.Definition>>;
  /**
   * Asks what an image name means and what its config says. Calls for the same name, platform and mode within one build share one answer;
   * the engine reports the look-up as a step called `logName`.
   * @throws {BuildError} `not_found` with the registry's words
   */
  resolveImageConfig(
    ref: string,
    options: {
      readonly platform: Platform;
      readonly resolveMode: ImageResolveMode;
      readonly logName: string;
      /** Asks an OCI layout that a client offers under the name `store`, instead of a registry; the name has a digest then. */
      readonly layout?: { readonly sessionId: string; readonly store: string };
      readonly signal: AbortSignal;
    },
  ): Promise<ResolvedImageConfig>;
  /**
   * Asks the one source of a graph when it was last changed: a repository by its commit, a file by what its server says.
   * @returns `undefined` where the graph has not exactly one source; `seconds` (whole, since the epoch) where the source knows it
   * @throws {BuildError} when the source cannot be reached
   */
  sourceTime(
    definition: pb.Definition,
    options: { readonly logName: string; readonly signal: AbortSignal },
  ): Promise<SourceTime | undefined>;
  /** Adds a graph to the build. Cheap: nothing runs before the ref is looked into or becomes the result. */
  solve(definition: pb.Definition, options: { signal: AbortSignal }): Promise<BridgeRef>;
  /** Has a frontend that is an image, named by the attribute `source`, do the work. @throws {BuildError} also its failures */
  runFrontend(
    attributes: Readonly<Record<string, string>>,
    options: { readonly signal: AbortSignal },
  ): Promise<FrontendResult>;
  warn(warning: FrontendWarning): void;
}

/** One filesystem of the result. */
export interface FrontendResultRef {
  /** Platform as text (`linux/arm/v7`): the key of a result map. */
  readonly id: string;
  readonly platform: Platform;
  /** `undefined`: the empty tree. */
  readonly definition: pb.Definition | undefined;
  /** What whoever lists the contents of the result is to know. */
  readonly scan?: ScanHints;
}

/** How the contents of a result are to be listed. */
export interface ScanHints {
  /** Other trees to look through, by name: stages that the result was made with, the build context. `undefined`: the empty tree. */
  readonly extras: ReadonlyMap<string, pb.Definition | undefined>;
  /** Some tree is never answered from the cache, nor is what is in it. */
  readonly ignoreCache: boolean;
}

/** What a frontend makes of its options. */
export interface FrontendResult {
  /** In the order in which the platforms were asked for. */
  readonly refs: readonly FrontendResultRef[];
  /** Whether the result is a map by platform (an index is exported) or one single ref. */
  readonly multiPlatform: boolean;
  /** Result metadata: `refs.platforms`, `containerimage.config[/<id>]`, `containerimage.base.config[/<id>]`, `source.date.epoch[/<id>]`. */
  readonly metadata: Readonly<Record<string, Uint8Array>>;
}

/** Turns options and files into a graph; runs in the engine's process. */
export type Frontend = (bridge: Bridge, options: { signal: AbortSignal }) => Promise<FrontendResult>;

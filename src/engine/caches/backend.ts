import type { Descriptor, Digest } from "../../oci/mod.ts";
import type { HostConfig, Registry, Transport } from "../../registry/mod.ts";
import type { SessionCaller } from "../../session/mod.ts";
import type { Compression } from "../refs/mod.ts";
import type { VertexProgress } from "../solver/mod.ts";
import type { CacheMode, CollectedCache } from "./collect.ts";
import type { CacheConfig } from "./config/cache-config.ts";

/** What a backend may use of the build for which it works. */
export interface CacheContext {
  readonly signal: AbortSignal;
  /** Registries, with the credentials of the client whose build it is; with `insecure`, whatever their certificates. */
  registry(options: { readonly insecure: boolean }): Registry;
  /** Connections to services that are no registries. */
  readonly transport: Transport;
  /** How to reach a host, as this engine's configuration says; nothing configured: `{}`. */
  readonly hosts: (host: string) => HostConfig;
  /** The engine's own variables. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The client whose build it is. @throws {BuildError} when it has no session */
  session(): Promise<SessionCaller>;
  readonly isClientThere: () => boolean;
  /** Remembers that a repository (`host/path`) holds a blob now, so that a later push to its neighbour can mount it. */
  noteKnownIn(digest: Digest, repository: string): void;
}

/** Attributes of an entry as the request has them. */
export type CacheAttributes = Readonly<Record<string, string>>;

/** Where the blobs of a cache can be had from. */
export interface BlobPlace {
  has(blob: Descriptor, options: { readonly signal: AbortSignal }): Promise<boolean>;
  /** Bytes of a blob; whoever takes them in checks them. */
  fetch(blob: Descriptor, options: { readonly signal: AbortSignal }): AsyncIterable<Uint8Array>;
  /** Whether the place can be reached still. */
  isReachable(): boolean;
  /** `host/path`, where it is a repository. */
  readonly repository?: string;
}

/** A layer's blob in a cache. */
export interface FoundLayer {
  readonly descriptor: Descriptor;
  readonly diffId: Digest;
  readonly createdAt: Date | undefined;
}

/** A cache that somebody has exported. */
export interface FoundCache {
  readonly config: CacheConfig;
  readonly layers: ReadonlyMap<Digest, FoundLayer>;
  readonly place: BlobPlace;
}

/** One entry of `--cache-from`, checked. */
export interface CacheImporter {
  /** As people see it, for instance a reference. */
  readonly name: string;
  /** Fetches the lists of contents. @throws {BuildError} why there is nothing to be had */
  open(context: CacheContext): Promise<readonly FoundCache[]>;
}

/** One entry of `--cache-to`, checked. */
export interface CacheExporter {
  /** Name of its step, for instance `exporting cache to registry`. */
  readonly title: string;
  /** @returns what the client is told, for instance `cache.manifest` */
  export(
    cache: CollectedCache,
    context: CacheContext & { readonly progress: VertexProgress },
  ): Promise<Readonly<Record<string, string>>>;
}

/** What every entry of `--cache-to` says. */
export interface ExportSettings {
  readonly mode: CacheMode;
  /** The build is a success though this export fails. */
  readonly ignoreError: boolean;
  readonly compression: Compression;
  readonly force: boolean;
}

/** A kind of place that caches are kept in, one per file of `backends/`. */
export interface CacheBackend {
  /** As in `type=…`. */
  readonly type: string;
  /** Checks the attributes. @throws {BuildError} `invalid_argument` */
  importer?(attributes: CacheAttributes): CacheImporter;
  /** Checks the attributes, and what of the engine's own variables stands for them. @throws {BuildError} `invalid_argument` */
  exporter?(attributes: CacheAttributes, env: CacheContext["env"]): CacheExporter;
}

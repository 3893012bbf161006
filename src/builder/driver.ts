import type { Duplex } from "node:stream";
import type { DialSession } from "../client/mod.ts";
import type { DockerConfig, EngineImages } from "../docker/mod.ts";
import type { Platform } from "../oci/mod.ts";

/** The ways to have an engine. */
export type DriverKind = "embedded" | "docker" | "docker-container" | "kubernetes" | "remote";

/** What an engine that is reached in some way can do. Commands ask before they send a request that would fail. */
export interface DriverFeatures {
  readonly ociExporter: boolean;
  readonly dockerExporter: boolean;
  readonly cacheExport: boolean;
  /** Images can have attestations, if the engine itself can make them: only it knows. */
  readonly attestation: boolean;
  readonly multiPlatform: boolean;
  /** The engine pushes to registries itself. */
  readonly directPush: boolean;
  /** The engine names images by the digest of their manifest, not by that of their configuration. */
  readonly preferImageDigest: boolean;
  /** A build without an output goes into the Docker Engine. */
  readonly defaultLoad: boolean;
}

/** What becomes of a node. */
export type NodeState = "inactive" | "starting" | "running" | "stopping" | "stopped";

/** What happens while a node starts. */
export type BootEvent =
  | { readonly type: "starting"; readonly what: string }
  /** A part of the start, for instance `pulling image X`, begins or ends. */
  | { readonly type: "step"; readonly name: string; readonly state: "started" | "done" }
  | { readonly type: "step"; readonly name: string; readonly state: "failed"; readonly error: string }
  /** What the engine that would not start had said, lines and all. */
  | { readonly type: "log"; readonly text: string }
  | { readonly type: "running" };

/** Options that every call has. */
export interface DriverCall {
  readonly signal: AbortSignal;
}

/** Options of {@link Driver.boot}. */
export type BootCall = DriverCall & { readonly onEvent?: ((event: BootEvent) => void) | undefined };

/** Options of {@link Driver.remove}. */
export type RemoveCall = DriverCall & {
  readonly keepState: boolean;
  /** Also ends an engine that still runs, without waiting for it. */
  readonly force?: boolean;
  /** When it aborts, an engine is given up that has not answered yet; one that has may take its time to delete what it has built. */
  readonly answer?: AbortSignal;
};

/**
 * One node of a builder: how its engine is started, found and left. All of a node's life goes `boot`, any number of `dial`s, `stop`, `remove`;
 * each may be called in any state and brings the node to its own.
 */
export interface Driver {
  readonly kind: DriverKind;
  /** Where the engine is, for people. */
  readonly endpoint: string;
  /** `:authority` of calls, where the engine's name matters. */
  readonly authority?: string | undefined;
  /** Looks at files that the node's options name, when a builder is made: later they may be gone, and the builder can still be removed. @throws {BuildError} */
  check?(): void;
  /** What the engine can do. Asks it only where that depends on how it is set up; once. */
  features(options: DriverCall): Promise<DriverFeatures>;
  /**
   * Set where an engine that answers within this time runs, and one that does not is inactive: who has something to ask the engine itself
   * need not ask for its state before.
   */
  readonly answersWithinMs?: number;
  /** Whether an engine answers now; starts nothing. */
  state(options: DriverCall): Promise<NodeState>;
  /** Starts the engine where none answers, and returns when it does. @throws {BuildError} why it cannot start */
  boot(options: BootCall): Promise<void>;
  /** Opens a byte stream on which the engine speaks HTTP/2; the caller owns it. Starts nothing. */
  dial(options: DriverCall): Promise<Duplex>;
  /** Opens a byte stream for a session, where these do not go through the Control API. */
  readonly dialSession?: DialSession;
  /** The images of the Docker Engine that the engine is inside of. */
  readonly images?: EngineImages;
  /**
   * The engines that the node is made of, where these can be several: for each the platforms that it is there for, none meaning whatever it says.
   */
  instances?(options: DriverCall): Promise<readonly (readonly Platform[])[]>;
  /** The engine's version, where its Control API does not tell it. */
  version?(options: DriverCall): Promise<string>;
  /** Ends the engine; what it has built stays. */
  stop(options: DriverCall): Promise<void>;
  /** Ends the engine and, unless `keepState`, deletes what it has built. */
  remove(options: RemoveCall): Promise<void>;
}

/** A node of a builder as it is stored. */
export interface NodeConfig {
  readonly name: string;
  /** Name of a Docker context, or a URL; empty means what the environment says. */
  readonly endpoint: string;
  readonly driverOpts: Readonly<Record<string, string>>;
  /** Flags of the engine's program. */
  readonly flags: readonly string[];
  /** Fixed for the node; empty: whatever its engine says. */
  readonly platforms: readonly Platform[];
  /** Files that the engine is given, by their path below its configuration directory: `buildkitd.toml`, `certs/<host>/<file>`. */
  readonly files: Readonly<Record<string, Uint8Array>>;
}

/** What a driver is made from. */
export interface DriverInput {
  readonly node: NodeConfig;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Docker's own: `$DOCKER_CONFIG`, or `~/.docker`. */
  readonly configDirectory: string;
  readonly config: DockerConfig;
}

/**
 * Makes a driver; nothing is dialled yet.
 * @throws {BuildError} for options and endpoints that make no sense
 */
export type OpenDriver = (input: DriverInput) => Promise<Driver>;

import type { Duplex } from "node:stream";

/** The ways to have an engine. */
export type DriverKind = "embedded" | "docker" | "docker-container" | "kubernetes" | "remote";

/** What an engine that is reached in some way can do. Commands ask before they send a request that would fail. */
export interface DriverFeatures {
  readonly ociExporter: boolean;
  readonly dockerExporter: boolean;
  readonly cacheExport: boolean;
  readonly multiPlatform: boolean;
  /** The engine pushes to registries itself. */
  readonly directPush: boolean;
  /** A build without an output goes into the Docker Engine. */
  readonly defaultLoad: boolean;
}

/** What becomes of a node. */
export type NodeState = "inactive" | "starting" | "running" | "stopping" | "stopped";

/** What happens while a node starts. */
export type BootEvent = { readonly type: "starting"; readonly what: string } | { readonly type: "running" };

/** Options that every call has. */
export interface DriverCall {
  readonly signal: AbortSignal;
}

/**
 * One node of a builder: how its engine is started, found and left. All of a node's life goes `boot`, any number of `dial`s, `stop`, `remove`;
 * each may be called in any state and brings the node to its own.
 */
export interface Driver {
  readonly kind: DriverKind;
  /** Where the engine is, for people. */
  readonly endpoint: string;
  readonly features: DriverFeatures;
  /** Whether an engine answers now; starts nothing. */
  state(options: DriverCall): Promise<NodeState>;
  /** Starts the engine where none answers, and returns when it does. @throws {BuildError} why it cannot start */
  boot(options: DriverCall & { readonly onEvent?: (event: BootEvent) => void }): Promise<void>;
  /** Opens a byte stream on which the engine speaks HTTP/2; the caller owns it. Starts nothing. */
  dial(options: DriverCall): Promise<Duplex>;
  /** Ends the engine; what it has built stays. */
  stop(options: DriverCall): Promise<void>;
  /** Ends the engine and, unless `keepState`, deletes what it has built. */
  remove(options: DriverCall & { readonly keepState: boolean }): Promise<void>;
}

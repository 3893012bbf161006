import type { HostConfig, RegistryLanes, SharedTokens } from "../../registry/mod.ts";
import type { SessionManager } from "../../session/mod.ts";
import type { History } from "../history/mod.ts";
import type { TraceRecorder } from "../traces/mod.ts";
import type { Worker } from "../worker/mod.ts";
import type { JobEnvironment } from "./environment.ts";
import type { FrontendRules } from "./frontend-rules.ts";
import type { GatewayTable } from "./gateway/mod.ts";
import type { Intake } from "./intake.ts";
import type { JobTable } from "./jobs.ts";
import type { RequestLedger } from "./provenance/mod.ts";

/** What the services of one engine share. */
export interface EngineDeps {
  readonly worker: Worker<JobEnvironment>;
  readonly sessions: SessionManager;
  readonly jobs: JobTable;
  /** Lets builds in, until the engine stops. */
  readonly intake: Intake;
  /** Builds whose frontend runs in their client. */
  readonly gateways: GatewayTable;
  /** By which requests graphs were made. */
  readonly requests: RequestLedger;
  /** What provenance says of this engine besides, as its owner wishes. */
  readonly provenanceEnv: Readonly<Record<string, unknown>>;
  /** Where builds are recorded. */
  readonly history: History;
  /** What took how long, in builds under way. */
  readonly traces: TraceRecorder;
  /** A socket at which processes of steps report theirs; `undefined`: they cannot. */
  readonly traceSocket: string | undefined;
  /** Entitlements that builds may ask for. */
  readonly allowedEntitlements: ReadonlySet<string>;
  /** How to reach registries and mirrors, by host; nothing configured: `{}`. */
  readonly hosts: (host: string) => HostConfig;
  /** The engine's own variables: proxies on the way to caches, and credentials for them. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** How many requests a registry gets at once, of all builds together. */
  readonly lanes: RegistryLanes;
  /** Tokens for registries that builds of the same user share. */
  readonly tokens: SharedTokens;
  /** Which frontends builds may use. */
  readonly frontends: FrontendRules;
  /** Shown by ListWorkers besides the usual ones. */
  readonly labels: Readonly<Record<string, string>>;
  /** Shown by Info and ListWorkers. */
  readonly version: string;
}

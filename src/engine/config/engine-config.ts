import type { LogFormat, LogLevel } from "../../base/log/mod.ts";
import type { Platform } from "../../oci/mod.ts";
import type { HostConfig } from "../../registry/mod.ts";
import type { CdiConfig } from "./cdi.ts";
import type { ListenAddress } from "./address.ts";
import type { FrontendConfig } from "./frontends.ts";
import type { GcConfig } from "./gc.ts";
import type { HistoryConfig } from "./history.ts";
import type { SystemConfig } from "./system.ts";
import type { NetworkConfig } from "./network.ts";

/** Certificates for listening over TLS, PEM. With a certificate authority, clients must show a certificate that it has signed. */
export interface ServerTls {
  readonly cert: string;
  readonly key: string;
  readonly ca: string | undefined;
}

/** What steps get as their resolv.conf; what is empty is taken from the machine's. */
export interface DnsConfig {
  readonly nameservers: readonly string[];
  readonly options: readonly string[];
  readonly searchDomains: readonly string[];
}

/** Everything that can be told to an engine: from flags and file, checked, complete. */
export interface EngineConfig {
  /** State directory, absolute. */
  readonly root: string;
  readonly addresses: readonly ListenAddress[];
  /** Where the engine tells of itself over HTTP; `undefined`: nowhere. */
  readonly debugAddress: ListenAddress | undefined;
  /** Where processes of steps report what they do; `undefined`: nowhere. */
  readonly traceSocket: ListenAddress | undefined;
  /** Who may use unix sockets besides root; `undefined`: the engine's own. */
  readonly socketOwner: { readonly uid: number | undefined; readonly gid: number | undefined };
  /** `undefined`: no TLS. */
  readonly tls: ServerTls | undefined;
  readonly log: { readonly level: LogLevel; readonly format: LogFormat };
  /** What builds may ask for. */
  readonly entitlements: ReadonlySet<string>;
  /** Steps that run at once; `undefined`: as many as suit the machine. */
  readonly maxParallelism: number | undefined;
  /** How what nobody has used for long is removed after builds. */
  readonly gc: GcConfig;
  readonly history: HistoryConfig;
  readonly frontends: FrontendConfig;
  /** What provenance says of this engine besides, as its owner wishes: JSON. */
  readonly provenanceEnv: Readonly<Record<string, unknown>>;
  readonly system: SystemConfig;
  /** Name or path of the program that starts containers; `undefined`: the best that is there. */
  readonly runtime: string | undefined;
  /** The cgroup that steps' cgroups are made in where a build names none; `undefined`: one of the engine's own. */
  readonly cgroupParent: string | undefined;
  /** Platforms to show to clients, native first; `undefined`: those that can run here. */
  readonly platforms: readonly Platform[] | undefined;
  /** Added to the labels that the worker shows. */
  readonly labels: Readonly<Record<string, string>>;
  readonly dns: DnsConfig | undefined;
  readonly network: NetworkConfig;
  /** `undefined`: steps are given no devices. */
  readonly cdi: CdiConfig | undefined;
  /** How to reach registries, by the host that stands in references, and mirrors. */
  readonly registries: ReadonlyMap<string, HostConfig>;
  /** Unused for so long, the engine leaves; `undefined`: it stays. */
  readonly idleTimeoutMs: number | undefined;
  /** To be said once there is a log. */
  readonly warnings: readonly string[];
}

/** What the command line said; what it did not say is `undefined`. */
export interface EngineFlags {
  /** Path of the file; `undefined`: the first default one that exists. */
  readonly config?: string | undefined;
  readonly root?: string | undefined;
  readonly addresses?: readonly string[] | undefined;
  readonly debugAddress?: string | undefined;
  readonly traceSocket?: string | undefined;
  /** Name or number. */
  readonly group?: string | undefined;
  readonly tlsCa?: string | undefined;
  readonly tlsCert?: string | undefined;
  readonly tlsKey?: string | undefined;
  readonly debug?: boolean | undefined;
  readonly logLevel?: string | undefined;
  readonly logFormat?: string | undefined;
  readonly entitlements?: readonly string[] | undefined;
  /** 0: no limit. */
  readonly maxParallelism?: number | undefined;
  /** The program that starts containers: a name or a path. */
  readonly runtime?: string | undefined;
  /** `auto`, `host`, `cni`, `bridge`; not checked yet. */
  readonly networkMode?: string | undefined;
  readonly cniConfigPath?: string | undefined;
  readonly cniBinaryDir?: string | undefined;
  readonly cniPoolSize?: number | undefined;
  readonly cdiDisabled?: boolean | undefined;
  readonly cdiSpecDirs?: readonly string[] | undefined;
  readonly gc?: boolean | undefined;
  /** `Reserved[,Free[,Maximum]]` */
  readonly gcKeepStorage?: string | undefined;
  readonly platforms?: readonly string[] | undefined;
  /** `key=value` */
  readonly labels?: readonly string[] | undefined;
  readonly idleTimeoutMs?: number | undefined;
  /** Names of flags that were given though they concern a worker that is off. */
  readonly withoutEffect?: readonly string[] | undefined;
  /** Values of {@link FixedSetting}s, by flag. */
  readonly fixed?: ReadonlyMap<string, string> | undefined;
}

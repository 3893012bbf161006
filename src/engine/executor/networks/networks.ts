/** A network of a step's own. Disposed of when nothing runs in it any more; nobody gets it after that. */
export interface StepNetwork extends AsyncDisposable {
  /** Path of the network namespace to join. */
  readonly namespace: string;
}

/** Gives steps their networks: those that ask neither for the machine's nor for none. */
export interface Networks extends AsyncDisposable {
  /** What clients are told. */
  readonly mode: "host" | "cni";
  /**
   * A network for one step; `undefined`: it shares the engine's. The name of its host is for those plugins that publish names.
   * @throws {BuildError} `internal` with the words of the plugin that failed; the signal's reason
   */
  take(
    step: { readonly hostname?: string | undefined },
    options: { signal: AbortSignal },
  ): Promise<StepNetwork | undefined>;
}

/** Steps share the engine's network. */
export const hostNetworks: Networks = {
  mode: "host",
  take: () => Promise.resolve(undefined),
  [Symbol.asyncDispose]: () => Promise.resolve(),
};

/** How steps are to be connected. */
export interface NetworkSettings {
  readonly mode: "host" | "cni" | "bridge";
  /** A CNI network configuration, or a list of them when it ends in `.conflist`. */
  readonly cniConfigPath: string;
  /** Where CNI plugins are. */
  readonly cniBinaryDir: string;
  /** Networks that are made ahead. */
  readonly cniPoolSize: number;
  readonly bridgeName: string;
  /** IPv4 network of the built-in bridge, `10.10.0.0/16`. */
  readonly bridgeSubnet: string;
  /** A file that engines of one machine lock while they set their networks up. */
  readonly initLockPath?: string | undefined;
}

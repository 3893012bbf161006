/** One run, as asked for: everything still in the user's words. */
export interface RunOptions {
  /** With tag, digest, both or neither. */
  readonly image: string;
  /** What to run instead of what the image says; empty: what it says. */
  readonly command: readonly string[];
  /** Empty: that of the engine's machine. */
  readonly platform: string;
  /** `K=V`, or `K` for the value from the environment. */
  readonly env: readonly string[];
  /** Undefined: the image's; empty: none. */
  readonly entrypoint: string | undefined;
  /** Empty: the image's. */
  readonly user: string;
  /** Empty: the image's. */
  readonly workdir: string;
  /** `default`, `none` or `host`. */
  readonly network: string;
  /** Whether the process reads what is typed here. */
  readonly interactive: boolean;
  readonly tty: boolean;
}

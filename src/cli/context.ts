/** A stream that text for people goes to. */
export type OutputStream = NodeJS.WritableStream & {
  readonly isTTY?: boolean;
  readonly columns?: number;
  readonly rows?: number;
};
/** A stream that people or pipes feed. */
export type InputStream = NodeJS.ReadableStream & {
  readonly isTTY?: boolean;
  setRawMode?(raw: boolean): unknown;
  /** Lets the process end although nobody has read to the end. */
  unref?(): unknown;
};

/** The process around the commands: everything that they may know of the outside. Made in `main/`. */
export interface CliContext {
  /** The name people typed, for texts: `polyarch`. */
  readonly program: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  readonly home: string;
  readonly stdin: InputStream;
  readonly stdout: OutputStream;
  readonly stderr: OutputStream;
  readonly now: () => Date;
  /** Aborts when the user presses Ctrl-C or the process is asked to end. */
  readonly signal: AbortSignal;
  /** Until it is disposed of, signals to this process are told by name (`INT`) instead of ending it: for those who run another process. */
  readonly forwardSignals: (take: (name: string) => void) => Disposable;
  readonly version: string;
  /** Revision of the sources, or empty. */
  readonly revision: string;
  /** Program that starts the engine. */
  readonly engineCommand: string;
}

import { HelperConnection } from "./helper-connection.ts";
import type { OrphanCommand, ProcessEnd } from "./protocol.ts";

/** How to run one process. */
export interface SpawnOptions {
  readonly cwd?: string;
  /** The whole environment; undefined: that of the engine. */
  readonly env?: Readonly<Record<string, string>>;
  /** Bytes, or a file that the process reads directly (cheaper). Undefined: empty. */
  readonly stdin?: Uint8Array | AsyncIterable<Uint8Array> | { readonly file: string };
  /** Called in order; while a returned promise is pending the process may write one more MiB and is then held up. */
  readonly onStdout?: (chunk: Uint8Array) => void | Promise<void>;
  readonly onStderr?: (chunk: Uint8Array) => void | Promise<void>;
  /** A file (made or emptied) that takes the output directly (cheaper), instead of `onStdout`. */
  readonly stdoutFile?: string;
  /** Told once the process runs. */
  readonly onStarted?: (pid: number) => void;
  /** When it aborts, the process and its group are killed; the promise rejects with the reason once they are gone. */
  readonly signal?: AbortSignal;
  /** Run by the helper when the engine itself was killed meanwhile: undoes what killing the process alone would leave behind. */
  readonly ifOrphaned?: OrphanCommand;
}

/** Starts processes for an engine whose own size would make each start slow. */
export interface Spawner extends AsyncDisposable {
  /**
   * Runs a process to its end. It leads a session of its own; whatever is left of its process group when it ends is killed. Output that was not
   * asked for is thrown away.
   * @throws what Node throws when the command cannot be run (`code` is `ENOENT`, `EACCES`, …); the signal's reason; what a callback or
   * the input throws (the process is then killed)
   */
  spawn(command: string, args: readonly string[], options?: SpawnOptions): Promise<ProcessEnd>;
}

/**
 * Starts the helper: one small process that starts all others. The cost of a fork grows with the memory of who forks (16 ms at 350 MB, during which the
 * event loop stands still), and the helper stays small. It ends with the engine, however that ends, and kills what it started.
 */
export async function startSpawner(): Promise<Spawner> {
  let helper = await HelperConnection.start();
  return {
    async spawn(command, args, options = {}) {
      options.signal?.throwIfAborted();
      // A helper that was killed (by the kernel, for lack of memory) takes its processes with it, but not the engine.
      if (helper.closed) helper = await HelperConnection.start();
      return await helper.run(command, args, options);
    },
    [Symbol.asyncDispose]: () => helper.close(),
  };
}

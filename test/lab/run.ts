import { spawn } from "node:child_process";

/** How a program ended and what it said. */
export interface Finished {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
  readonly ms: number;
}

/** Where and with what a program runs. */
export interface RunOptions {
  readonly cwd?: string;
  /** Added to this process's environment; `undefined` takes a variable away. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly stdin?: string | Uint8Array;
  readonly signal?: AbortSignal;
  /** Killed after this time; its code is then 124. Ten minutes when not given. */
  readonly timeoutMs?: number;
  /** Shows what it prints while it runs as well. */
  readonly echo?: boolean;
}

/** Runs a program to its end and keeps what it printed. A non-zero code is a result here, not an error. */
export async function run(command: string, args: readonly string[], options: RunOptions = {}): Promise<Finished> {
  const started = performance.now();
  const timeout = AbortSignal.timeout(options.timeoutMs ?? 600_000);
  const stop = options.signal === undefined ? timeout : AbortSignal.any([options.signal, timeout]);
  const child = spawn(command, args, {
    cwd: options.cwd,
    env: { ...process.env, ...options.env },
    stdio: ["pipe", "pipe", "pipe"],
  });
  const kill = () => child.kill("SIGKILL");
  stop.addEventListener("abort", kill, { once: true });
  const stdout: Buffer[] = [];
  const stderr: Buffer[] = [];
  child.stdout.on("data", (chunk: Buffer) => {
    stdout.push(chunk);
    if (options.echo) process.stdout.write(chunk);
  });
  child.stderr.on("data", (chunk: Buffer) => {
    stderr.push(chunk);
    if (options.echo) process.stderr.write(chunk);
  });
  child.stdin.on("error", () => {}); // a program may end without reading all of it
  child.stdin.end(options.stdin ?? "");
  try {
    const code = await new Promise<number>((resolve, reject) => {
      child.once("error", reject);
      child.once("close", (exit, signal) => resolve(timeout.aborted ? 124 : (exit ?? (signal ? 128 : 1))));
    });
    return {
      code,
      stdout: Buffer.concat(stdout).toString(),
      stderr: Buffer.concat(stderr).toString(),
      ms: performance.now() - started,
    };
  } finally {
    stop.removeEventListener("abort", kill);
  }
}

/**
 * Runs a program that is expected to succeed and returns what it printed on stdout.
 * @throws {Error} with the command and all that it said when its code is not 0
 */
export async function must(command: string, args: readonly string[], options: RunOptions = {}): Promise<string> {
  const done = await run(command, args, options);
  if (done.code === 0) return done.stdout;
  throw new Error(`${[command, ...args].join(" ")} ended with ${done.code}:\n${done.stderr}${done.stdout}`);
}

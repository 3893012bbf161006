import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";

const repository = join(import.meta.dirname, "..", "..");

/** The engine's launcher, as people start it. */
export const engineProgram = join(repository, "bin", "polyarchd");
/** The launcher of what docker buildx runs beside an engine. */
export const buildctlProgram = join(repository, "bin", "buildctl");

/** An engine that was started as a server, by hand or by a service manager. Disposing it stops it. */
export interface LabEngine extends AsyncDisposable {
  readonly pid: number;
  /** What it listens on, in the order of its `--addr`. */
  readonly addresses: readonly string[];
  /** The lines of its log so far. What it says of something may come later than what it answers: see {@link said}. */
  log(): readonly string[];
  /** Waits for a line of its log that matches, also an earlier one, and returns it. @throws {Error} with the log, when none comes for a minute */
  said(pattern: RegExp): Promise<string>;
}

/**
 * Starts `polyarchd` with these arguments, and a state directory of its own unless they name one, and waits until it listens.
 * @param inside words that come before the program and become it, for instance of `nsenter`
 * @throws {Error} with what it said, when it ends instead
 */
export async function startEngine(args: readonly string[], inside: readonly string[] = []): Promise<LabEngine> {
  if (!existsSync(join(repository, "dist", "polyarchd.cjs"))) throw new Error("dist/ is missing: run `npm run build`");
  const home = await mkdtemp(join(tmpdir(), "polyarch-engine-"));
  const [program = "", ...words] = [...inside, engineProgram, "--root", join(home, "root"), ...args];
  const child = spawn(program, words, { stdio: ["ignore", "ignore", "pipe"] });
  const exited = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  const stop = async () => {
    child.kill("SIGTERM");
    const impatience = setTimeout(() => child.kill("SIGKILL"), 20_000);
    await exited;
    clearTimeout(impatience);
    await rm(home, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  };
  const lines: string[] = [];
  const { promise, resolve, reject } = Promise.withResolvers<readonly string[]>();
  createInterface(child.stderr).on("line", (line) => {
    lines.push(line);
    const [, listening] = /is listening on (.*), state in /.exec(line) ?? [];
    if (listening !== undefined) resolve(listening.split(", "));
  });
  child.once("error", reject);
  child.once("close", (code) => reject(new Error(`polyarchd ended with ${code}:\n${lines.join("\n")}`)));
  try {
    const said = async (pattern: RegExp) => {
      for (const end = performance.now() + 60_000; ; await sleep(20)) {
        const line = lines.find((text) => pattern.test(text));
        if (line !== undefined) return line;
        if (performance.now() > end) throw new Error(`polyarchd never said ${pattern}:\n${lines.join("\n")}`);
      }
    };
    return { pid: child.pid ?? 0, addresses: await promise, log: () => lines, said, [Symbol.asyncDispose]: stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

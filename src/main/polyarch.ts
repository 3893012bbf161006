import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { type CliContext, rootCommand, runCli } from "../cli/mod.ts";
import { version } from "./version.ts";

/** The engine's launcher lies beside the client's, whether the client runs bundled (`dist/`) or from its sources (`src/main/`). */
function findEngine(script: string): string {
  const found = [join(dirname(script), "../bin/polyarchd"), join(dirname(script), "../../bin/polyarchd")].find((path) =>
    existsSync(path),
  );
  return found ?? "polyarchd";
}

/** Aborts at the first Ctrl-C or request to end; the second one does not wait for anything. */
function cancelOnSignals(): AbortSignal {
  const controller = new AbortController();
  for (const name of ["SIGINT", "SIGTERM"] as const) {
    process.on(name, () => {
      if (controller.signal.aborted) process.exit(130);
      controller.abort(new DOMException("context canceled", "AbortError"));
    });
  }
  return controller.signal;
}

async function main(): Promise<void> {
  // A reader that has left (`| head`) is no failure worth a stack trace.
  for (const stream of [process.stdout, process.stderr]) {
    stream.on("error", (error: NodeJS.ErrnoException) => process.exit(error.code === "EPIPE" ? 141 : 1));
  }
  const context: CliContext = {
    program: "polyarch",
    env: process.env,
    cwd: process.cwd(),
    home: homedir(),
    stdin: process.stdin,
    stdout: process.stdout,
    stderr: process.stderr,
    now: () => new Date(),
    signal: cancelOnSignals(),
    version,
    revision: "",
    engineCommand: findEngine(process.argv[1] ?? ""),
  };
  process.exitCode = await runCli(rootCommand, process.argv.slice(2), context);
}

void main();

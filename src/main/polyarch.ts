import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { type CliContext, interpretStart, rootCommand, runCli, watchDocker } from "../cli/mod.ts";
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
  const { POLYARCH_INVOKED_AS: invokedAs = "polyarch", DOCKER_CLI_PLUGIN_SOCKET: docker, ...variables } = process.env;
  const start = interpretStart({ invokedAs, argv: process.argv.slice(2), env: variables, version });
  if (start.type === "answer") {
    process.stdout.write(start.text);
    return;
  }
  if (start.type === "refused") {
    process.stderr.write(`ERROR: ${start.why}
`);
    process.exitCode = 1;
    return;
  }
  if (docker) watchDocker(docker, () => process.kill(process.pid, "SIGTERM"));
  const context: CliContext = {
    program: start.program,
    env: start.env,
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
  process.exitCode = await runCli({ ...rootCommand, name: start.program }, start.argv, context);
}

void main();

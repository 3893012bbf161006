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

/** How often Ctrl-C, or a request to end, may be left to another process that does not end. */
const patience = 3;

/** Aborts at the first Ctrl-C or request to end, and does not wait for anything at the second one; unless they are for another process. */
function listenForSignals(): Pick<CliContext, "signal" | "forwardSignals"> {
  const controller = new AbortController();
  let forward: ((name: string) => void) | undefined;
  let forwarded = 0;
  for (const name of ["SIGINT", "SIGTERM"] as const) {
    process.on(name, () => {
      if (forward && ++forwarded < patience) return forward(name.slice(3));
      if (forward || controller.signal.aborted) process.exit(130);
      controller.abort(new DOMException("context canceled", "AbortError"));
    });
  }
  return {
    signal: controller.signal,
    forwardSignals: (take) => {
      forward = take;
      const others = ["SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2"] as const;
      const pass = (name: NodeJS.Signals) => take(name.slice(3));
      for (const name of others) process.on(name, pass);
      return {
        [Symbol.dispose]: () => {
          forward = undefined;
          for (const name of others) process.off(name, pass);
        },
      };
    },
  };
}

/** The process's streams. Node makes each when it is first asked for, which takes it milliseconds; so nobody asks before it is needed. */
const streams = {
  get stdin() {
    return process.stdin;
  },
  get stdout() {
    return written("stdout");
  },
  get stderr() {
    return written("stderr");
  },
};

const made = new Set<string>();

/** A reader that has left (`| head`) is no failure worth a stack trace. */
function written(name: "stdout" | "stderr"): NodeJS.WriteStream {
  const stream = process[name];
  if (!made.has(name)) {
    stream.on("error", (error: NodeJS.ErrnoException) => process.exit(error.code === "EPIPE" ? 141 : 1));
    made.add(name);
  }
  return stream;
}

async function main(): Promise<void> {
  const { POLYARCH_INVOKED_AS: invokedAs = "polyarch", DOCKER_CLI_PLUGIN_SOCKET: docker, ...variables } = process.env;
  const start = interpretStart({ invokedAs, argv: process.argv.slice(2), env: variables, version });
  if (start.type === "answer") {
    streams.stdout.write(start.text);
    return;
  }
  if (start.type === "refused") {
    streams.stderr.write(`ERROR: ${start.why}
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
    get stdin() {
      return streams.stdin;
    },
    get stdout() {
      return streams.stdout;
    },
    get stderr() {
      return streams.stderr;
    },
    now: () => new Date(),
    ...listenForSignals(),
    version,
    revision: "",
    engineCommand: findEngine(process.argv[1] ?? ""),
  };
  process.exitCode = await runCli({ ...rootCommand, name: start.program }, start.argv, context);
}

void main();

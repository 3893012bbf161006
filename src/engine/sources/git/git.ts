import { spawn } from "node:child_process";
import { once } from "node:events";
import { BuildError } from "../../../base/errors/mod.ts";

/** Runs git, with nothing of this machine's configuration and no questions asked. */
export interface Git {
  /** @returns what it printed @throws {BuildError} with what it complained of */
  run(args: readonly string[], options?: { readonly cwd?: string }): Promise<string>;
}

/** More than what the commands print that are run here, for repositories with very many refs. */
const maxOutputBytes = 64 * 1024 * 1024;

/** What is kept of complaints. */
const maxComplaintBytes = 16 * 1024;

/**
 * @param options.settings configuration by name; not shown to other users of the machine, so they may hold logins
 * @param options.home an empty directory of its own
 */
export function gitIn(options: {
  readonly settings: Readonly<Record<string, string>>;
  readonly home: string;
  readonly knownHosts: string | undefined;
  /** Socket of an ssh agent. */
  readonly agent: string | undefined;
  readonly path: string;
  readonly signal: AbortSignal;
}): Git {
  const { home, knownHosts, agent, path, signal } = options;
  const settings = Object.entries({
    "protocol.file.allow": "never",
    "core.hooksPath": "/dev/null",
    ...options.settings,
  });
  const hosts =
    knownHosts === undefined
      ? "-o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null"
      : `-o UserKnownHostsFile=${knownHosts}`;
  const env: Record<string, string> = {
    PATH: path,
    HOME: home,
    LC_ALL: "C",
    GIT_TERMINAL_PROMPT: "0",
    GIT_CONFIG_NOSYSTEM: "1",
    GIT_ALLOW_PROTOCOL: "http:https:ssh:git",
    GIT_LFS_SKIP_SMUDGE: "1",
    GIT_SSH_COMMAND: `ssh -F /dev/null -o BatchMode=yes -o LogLevel=ERROR ${hosts}`,
    GIT_CONFIG_COUNT: String(settings.length),
    ...(agent !== undefined && { SSH_AUTH_SOCK: agent }),
  };
  for (const [at, [key, value]] of settings.entries()) {
    env[`GIT_CONFIG_KEY_${at}`] = key;
    env[`GIT_CONFIG_VALUE_${at}`] = value;
  }
  return {
    run: async (args, { cwd = home } = {}) => {
      const child = spawn("git", args, { cwd, env, signal, stdio: ["ignore", "pipe", "pipe"] });
      const ended = once(child, "close") as Promise<[number | null]>;
      ended.catch(() => undefined); // awaited below
      const output: Buffer[] = [];
      let size = 0;
      let complaint = "";
      child.stdout.on("data", (chunk: Buffer) => {
        size += chunk.byteLength;
        if (size > maxOutputBytes) child.kill("SIGKILL");
        else output.push(chunk);
      });
      child.stderr.setEncoding("utf8").on("data", (chunk: string) => {
        complaint = (complaint + chunk).slice(-maxComplaintBytes);
      });
      const [code] = await ended.catch((cause: unknown) => {
        signal.throwIfAborted();
        if ((cause as NodeJS.ErrnoException).code !== "ENOENT") throw cause;
        throw new BuildError("failed_precondition", "git is not installed on the engine's machine: install git", {
          cause,
        });
      });
      signal.throwIfAborted();
      if (code === 0) return Buffer.concat(output).toString("utf8");
      throw new BuildError(
        "unknown",
        `git ${args.find((arg) => /^[a-z]/.test(arg))} failed: ${complaint.trim() || `exit status ${code}`}`,
      );
    },
  };
}

import { BuildError } from "../../../base/errors/mod.ts";
import { capture, type Captured, type Spawner } from "../../../base/process/mod.ts";

/** Where a command runs. */
export interface GitRunOptions {
  readonly cwd?: string;
  /** Besides what every command gets. */
  readonly env?: Readonly<Record<string, string>>;
}

/** Runs git, with nothing of this machine's configuration and no questions asked. */
export interface Git {
  /**
   * @returns what it printed
   * @throws {GitFailure} with what it complained of
   */
  run(args: readonly string[], options?: GitRunOptions): Promise<string>;
  /** As {@link run}, for what may be no text. */
  read(args: readonly string[], options?: GitRunOptions): Promise<Uint8Array>;
}

/** What git complained of. */
export class GitFailure extends BuildError {
  constructor(message: string) {
    super("unknown", message);
  }
}

/** More than what the commands print that are run here, for repositories with very many refs. */
const maxOutputBytes = 64 * 1024 * 1024;

/** What is kept of complaints. */
const maxComplaint = 16 * 1024;

/**
 * @param options.settings configuration by name; not shown to other users of the machine, so they may hold logins
 * @param options.home an empty directory of its own
 */
export function gitIn(options: {
  readonly spawner: Spawner;
  readonly settings: Readonly<Record<string, string>>;
  readonly home: string;
  readonly knownHosts: string | undefined;
  /** Socket of an ssh agent. */
  readonly agent: string | undefined;
  readonly path: string;
  readonly signal: AbortSignal;
}): Git {
  const { spawner, home, knownHosts, agent, path, signal } = options;
  const settings = Object.entries({
    "protocol.file.allow": "never",
    "core.hooksPath": "/dev/null",
    "gc.autoDetach": "false",
    "maintenance.autoDetach": "false",
    ...options.settings,
  });
  const hosts =
    knownHosts === undefined
      ? "-o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null"
      : `-o UserKnownHostsFile=${knownHosts}`;
  const common: Record<string, string> = {
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
    common[`GIT_CONFIG_KEY_${at}`] = key;
    common[`GIT_CONFIG_VALUE_${at}`] = value;
  }
  const captured = async (args: readonly string[], { cwd = home, env = {} }: GitRunOptions = {}): Promise<Captured> => {
    let done: Captured;
    try {
      const all = { cwd, env: { ...common, ...env }, signal, maxBytes: maxOutputBytes };
      done = await capture(spawner, "git", args, all);
    } catch (cause) {
      signal.throwIfAborted();
      if ((cause as NodeJS.ErrnoException).code !== "ENOENT") throw cause;
      throw new BuildError("failed_precondition", "git is not installed on the engine's machine: install git", {
        cause,
      });
    }
    signal.throwIfAborted();
    if (done.code === 0) return done;
    const complaint = done.stderr.slice(-maxComplaint).trim() || `exit status ${done.code}`;
    throw new GitFailure(`git ${args.find((arg) => /^[a-z]/.test(arg))} failed: ${complaint}`);
  };
  return {
    run: async (args, runOptions) => (await captured(args, runOptions)).stdout,
    read: async (args, runOptions) => (await captured(args, runOptions)).bytes,
  };
}

import { readFileSync } from "node:fs";
import { join, relative } from "node:path";

type Env = Readonly<Record<string, string | undefined>>;

/** Where builders are kept: `$BUILDX_CONFIG`, else `buildx` in Docker's configuration directory. */
export function storeDirectory(env: Env, home: string): string {
  return env.BUILDX_CONFIG || join(env.DOCKER_CONFIG || join(home, ".docker"), "buildx");
}

/** The `buildkitd.toml` that new builders get when none is named, there or not. */
export function defaultConfigFile(directory: string): string {
  return join(directory, "buildkitd.default.toml");
}

/** A user and group that files are given to. */
export interface Owner {
  readonly uid: number;
  readonly gid: number;
}

/**
 * Whom files of the store belong to when root writes them for somebody: the user behind sudo, as long as the store is in that user's home.
 * `undefined`: whoever runs this.
 */
export function ownerBehindSudo(directory: string, env: Env, home: string): Owner | undefined {
  if (env.SUDO_COMMAND === undefined || !env.SUDO_UID || !env.SUDO_GID) return undefined;
  const [uid, gid] = [Number(env.SUDO_UID), Number(env.SUDO_GID)];
  if (!Number.isInteger(uid) || !Number.isInteger(gid)) return undefined;
  const way = relative(home, directory);
  return way === "" || way.startsWith("..") || homeOf(uid) !== home ? undefined : { uid, gid };
}

function homeOf(uid: number): string | undefined {
  try {
    const line = readFileSync("/etc/passwd", "utf8")
      .split("\n")
      .find((entry) => entry.split(":")[2] === String(uid));
    return line?.split(":")[5];
  } catch {
    return undefined;
  }
}

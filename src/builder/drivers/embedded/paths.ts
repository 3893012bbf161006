import { join, resolve } from "node:path";

/** Where the engine of this machine listens and keeps its state. */
export interface EnginePaths {
  readonly socket: string;
  readonly root: string;
  /** What the engine says while it runs. */
  readonly log: string;
}

/**
 * The places of this user's engine: `/run/polyarch/polyarchd.sock` (below `$XDG_RUNTIME_DIR` for people who are not root) and
 * `/var/lib/polyarch`. `POLYARCH_SOCKET` and `POLYARCH_ROOT` change them; another state directory alone moves the socket into it, since an
 * engine of one state must not answer for another.
 */
export function enginePaths(env: Readonly<Record<string, string | undefined>>, uid: number): EnginePaths {
  const root = resolve(env.POLYARCH_ROOT || "/var/lib/polyarch");
  const runtime = uid === 0 ? "/run" : env.XDG_RUNTIME_DIR || "/run";
  const socket =
    env.POLYARCH_SOCKET ||
    (env.POLYARCH_ROOT ? join(root, "polyarchd.sock") : join(runtime, "polyarch/polyarchd.sock"));
  return { root, socket: resolve(socket), log: join(root, "polyarchd.log") };
}

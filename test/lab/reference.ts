import { spawn } from "node:child_process";
import { startDocker } from "./docker.ts";
import { emulateOnHost } from "./emulators.ts";
import { must } from "./run.ts";
import type { LabPolyarch } from "./polyarch.ts";

/**
 * The reference: `docker buildx` on a Docker Engine from Debian sid, in the place of our client and engine. A test that
 * fails here asks for something that people do not know from buildx.
 *
 * It is for checking tests by hand, see `scripts/e2e.ts --reference`; tests about our own engine's processes prove nothing here.
 */
export async function openReference(): Promise<LabPolyarch> {
  await using undo = new AsyncDisposableStack();
  undo.use(await emulateOnHost());
  const docker = undo.use(await startDocker("sid"));
  const env = { ...docker.env, BUILDX_NO_DEFAULT_ATTESTATIONS: "1", NO_COLOR: "1" };
  // Its containers have no network but the host's.
  const line = (args: readonly string[]) =>
    args[0] === "build" ? ["buildx", "build", "--network=host", ...args.slice(1)] : ["buildx", ...args];
  const owned = undo.move();
  return {
    root: "",
    socket: docker.host,
    env,
    commandLine: (args) => ["docker", ...line(args)],
    engine: () => undefined,
    held: () => Promise.resolve({ processes: [], mounts: [] }),
    settled: () => Promise.resolve(),
    kill: () => Promise.resolve(),
    forget: async () => void (await must("docker", ["buildx", "prune", "--all", "--force"], { env })),
    polyarch: (args, options) => docker.docker(line(args), { ...options, env: { ...env, ...options?.env } }),
    start: (args) =>
      spawn("docker", line(args), { env: { ...process.env, ...env }, stdio: ["ignore", "pipe", "pipe"] }),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

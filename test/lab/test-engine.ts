import { spawn } from "node:child_process";
import { request } from "node:http";
import { emulateOnHost } from "./emulators.ts";
import { type LabPolyarch, openPolyarch } from "./polyarch.ts";

/**
 * Our client with somebody else's engine: any that speaks BuildKit's API at `address` (`unix://…`, `tcp://…`), or the
 * BuildKit inside the Docker Engine that answers there. What a test finds different then is the engine's doing alone.
 *
 * It is for checking our engine by hand, see `scripts/e2e.ts --engine`; tests about our own engine's processes prove nothing here.
 */
export async function openTestEngine(address: string): Promise<LabPolyarch> {
  await using undo = new AsyncDisposableStack();
  undo.use(await emulateOnHost());
  const ours = undo.use(await openPolyarch());
  const isDocker = await isDockerEngine(address);
  const env = {
    ...ours.env,
    BUILDX_NO_DEFAULT_ATTESTATIONS: "1",
    ...(isDocker ? { DOCKER_HOST: address, BUILDX_BUILDER: "default" } : { BUILDX_BUILDER: "tested" }),
  };
  if (!isDocker) {
    const { code, stderr } = await ours.polyarch(["create", "--name", "tested", "--driver", "remote", address]);
    if (code !== 0) throw new Error(stderr);
  }
  // The lab's Docker Engine has no network but the host's.
  const line = (args: readonly string[]) =>
    isDocker && args[0] === "build" ? ["build", "--network=host", ...args.slice(1)] : args;
  const [program = ""] = ours.commandLine([]);
  const owned = undo.move();
  return {
    ...ours,
    root: "",
    env,
    commandLine: (args) => [program, ...line(args)],
    engine: () => undefined,
    held: () => Promise.resolve({ processes: [], mounts: [] }),
    settled: () => Promise.resolve(),
    kill: () => Promise.resolve(),
    forget: async () => {
      const { code, stderr } = await ours.polyarch(["prune", "--all", "--force"], { env });
      if (code !== 0) throw new Error(stderr);
    },
    polyarch: (args, options) => ours.polyarch(line(args), { ...options, env: { ...env, ...options?.env } }),
    start: (args) => spawn(program, line(args), { env: { ...process.env, ...env }, stdio: ["ignore", "pipe", "pipe"] }),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** Whether it is Docker's API that is spoken there. */
async function isDockerEngine(address: string): Promise<boolean> {
  const { protocol, hostname, port, pathname } = new URL(address);
  const where = protocol === "unix:" ? { socketPath: pathname } : { hostname, port };
  return await new Promise<boolean>((resolve) => {
    const asked = request({ ...where, path: "/_ping", timeout: 5000 }, (answer) => {
      answer.resume();
      resolve(answer.headers["api-version"] !== undefined);
    });
    asked.once("timeout", () => asked.destroy());
    asked.once("error", () => resolve(false));
    asked.end();
  });
}

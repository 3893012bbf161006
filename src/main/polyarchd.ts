import { chmodSync, closeSync, openSync } from "node:fs";
import { mkdir, unlink } from "node:fs/promises";
import { createServer, type Server } from "node:net";
import { dirname, resolve } from "node:path";
import { parseArgs } from "node:util";
import { BuildError, messageOf } from "../base/errors/mod.ts";
import { log, setLogLevel } from "../base/log/mod.ts";
import { startSpawner } from "../base/process/mod.ts";
import { peerCredentials, selfTest, tryLock } from "../base/sys/mod.ts";
import {
  controlService,
  type EngineDeps,
  GatewayTable,
  gatewayService,
  type JobEnvironment,
  JobTable,
} from "../engine/control/mod.ts";
import { openWorker } from "../engine/worker/mod.ts";
import { createRpcServer } from "../rpc/mod.ts";
import { SessionManager } from "../session/mod.ts";
import { version } from "./version.ts";

const help = `polyarchd: the engine of Polyarch. Speaks BuildKit's API.

Usage:  polyarchd [OPTIONS]

Options:
      --addr stringArray                          Listening address: unix://PATH (default unix:///run/polyarch/polyarchd.sock)
      --root string                               Path to state directory (default /var/lib/polyarch)
      --idle-timeout duration                     Exit when nobody has used the engine for so long, for instance 10m (default: never)
      --allow-insecure-entitlement stringArray    Allow builds to ask for network.host or security.insecure
      --oci-max-parallelism int                   Steps that run at once (default: twice the number of processors, at least 4)
      --debug                                     Log more
      --version                                   Show the version
`;

async function main(argv: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      addr: { type: "string", multiple: true },
      root: { type: "string" },
      "idle-timeout": { type: "string" },
      "allow-insecure-entitlement": { type: "string", multiple: true },
      "oci-max-parallelism": { type: "string" },
      debug: { type: "boolean" },
      version: { type: "boolean" },
      help: { type: "boolean", short: "h" },
    },
  });
  if (values.help) return void process.stdout.write(help);
  if (values.version) return void process.stdout.write(`polyarchd ${version}\n`);
  if (values.debug) setLogLevel("debug");
  const root = resolve(values.root ?? "/var/lib/polyarch");
  const addresses = values.addr ?? ["unix:///run/polyarch/polyarchd.sock"];
  const idleMs = parseDuration(values["idle-timeout"]);
  const allowedEntitlements = new Set(values["allow-insecure-entitlement"] ?? []);
  for (const name of allowedEntitlements) {
    if (name !== "network.host" && name !== "security.insecure") {
      throw new BuildError("invalid_argument", `invalid entitlement : ${name}`);
    }
  }
  const maxParallelism = parseCount(values["oci-max-parallelism"]);
  if (process.getuid?.() !== 0) {
    throw new BuildError("permission_denied", "polyarchd needs root for now: start it with sudo");
  }
  selfTest();

  await using stack = new AsyncDisposableStack();
  await mkdir(root, { recursive: true, mode: 0o711 });
  const lock = openSync(`${root}/polyarchd.lock`, "w", 0o600);
  stack.defer(() => closeSync(lock));
  if (!tryLock(lock)) {
    throw new BuildError("failed_precondition", `could not lock ${root}/polyarchd.lock, another instance running?`);
  }
  const spawner = stack.use(await startSpawner());
  const worker = stack.use(
    await openWorker<JobEnvironment>({
      root,
      spawner,
      path: process.env["PATH"] ?? "",
      logLimits: logLimits(process.env),
      ...(maxParallelism ? { maxParallelism } : {}),
    }),
  );
  const sessions = stack.use(new SessionManager());
  const deps: EngineDeps = {
    worker,
    sessions,
    jobs: new JobTable(),
    gateways: new GatewayTable(),
    allowedEntitlements,
    version,
  };
  const stop = Promise.withResolvers<string>();
  const activity = new Activity(idleMs, () => stop.resolve(`idle for ${values["idle-timeout"] ?? ""}`));
  const rpc = createRpcServer({
    services: [sessions.route(), controlService(deps), gatewayService(deps)],
    peerCredentials,
  });
  for (const address of addresses) stack.use(await listen(address, rpc, activity));
  log.info(`polyarchd ${version} is listening on ${addresses.join(", ")}, state in ${root}`);
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.on(signal, () => {
      stop.resolve(signal);
      process.once(signal, () => process.exit(1)); // whoever asks twice means it
    });
  }
  log.info(`stopping: ${await stop.promise}`);
}

/** BuildKit's own variables. */
function logLimits(env: NodeJS.ProcessEnv): { maxBytes?: number; maxBytesPerSecond?: number } {
  const number = (name: string): number | undefined => {
    const text = env[name];
    if (text === undefined || text === "") return undefined;
    if (!/^(-1|\d+)$/.test(text))
      throw new BuildError("invalid_argument", `invalid ${name} "${text}", want bytes or -1`);
    return Number(text);
  };
  const maxBytes = number("BUILDKIT_STEP_LOG_MAX_SIZE");
  const maxBytesPerSecond = number("BUILDKIT_STEP_LOG_MAX_SPEED");
  return {
    ...(maxBytes === undefined ? {} : { maxBytes }),
    ...(maxBytesPerSecond === undefined ? {} : { maxBytesPerSecond }),
  };
}

/** Counts connections, and tells when there has been none for so long. */
class Activity {
  readonly #idleMs: number | undefined;
  readonly #onIdle: () => void;
  #connections = 0;
  #timer: NodeJS.Timeout | undefined;
  constructor(idleMs: number | undefined, onIdle: () => void) {
    this.#idleMs = idleMs;
    this.#onIdle = onIdle;
    this.#arm();
  }
  begin(): void {
    this.#connections++;
    clearTimeout(this.#timer);
  }
  end(): void {
    if (--this.#connections === 0) this.#arm();
  }
  #arm(): void {
    if (this.#idleMs !== undefined) this.#timer = setTimeout(this.#onIdle, this.#idleMs);
  }
}

/** Opens one listening address and serves the API on it until disposed of. */
async function listen(
  address: string,
  rpc: { serve(server: Server): void },
  activity: Activity,
): Promise<AsyncDisposable> {
  const [, scheme, path] = /^([a-z]+):\/\/(.*)$/.exec(address) ?? [];
  if (scheme === undefined || path === undefined) {
    throw new BuildError(
      "invalid_argument",
      `address ${address} does not contain proto, you meant unix://${address} ?`,
    );
  }
  if (scheme !== "unix") {
    throw new BuildError(
      "unimplemented",
      `addr ${address} not supported: this engine listens on unix sockets only for now`,
    );
  }
  await mkdir(dirname(path), { recursive: true, mode: 0o755 });
  await unlink(path).catch(() => undefined); // ours is the lock on the state directory, so nobody else serves here
  const server = createServer();
  server.on("connection", (socket) => {
    activity.begin();
    socket.once("close", () => activity.end());
  });
  rpc.serve(server);
  await new Promise<void>((done, failed) => {
    server.once("error", failed);
    server.listen(path, done);
  });
  chmodSync(path, 0o660);
  return {
    [Symbol.asyncDispose]: async () => {
      server.close();
      await unlink(path).catch(() => undefined);
    },
  };
}

/** `10m`, `90s`, `1h30m`, `500ms` in milliseconds. */
function parseDuration(text: string | undefined): number | undefined {
  if (text === undefined || text === "0") return undefined;
  const units: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };
  if (!/^(\d+(\.\d+)?(ms|s|m|h))+$/.test(text))
    throw new BuildError("invalid_argument", `invalid duration "${text}", want for instance 10m`);
  let total = 0;
  for (const [, amount, unit] of text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h)/g))
    total += Number(amount) * (units[unit ?? ""] ?? 0);
  return total;
}

function parseCount(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (!/^[1-9]\d*$/.test(text))
    throw new BuildError("invalid_argument", `invalid --oci-max-parallelism "${text}", want a number of at least 1`);
  return Number(text);
}

main(process.argv.slice(2)).then(
  () => process.exit(0),
  (error: unknown) => {
    process.stderr.write(`polyarchd: ${messageOf(error)}\n`);
    process.exit(1);
  },
);

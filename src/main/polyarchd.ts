import { closeSync, openSync, readlinkSync } from "node:fs";
import { statfs } from "node:fs/promises";
import type { Socket } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { makeDirectory } from "../base/files/mod.ts";
import { BuildError, messageOf } from "../base/errors/mod.ts";
import { log, setLogFormat, setLogLevel } from "../base/log/mod.ts";
import { startSpawner } from "../base/process/mod.ts";
import { peerCredentials, selfTest, tryLock } from "../base/sys/mod.ts";
import { renderFlags } from "../cli/help/help.ts";
import { type EngineConfig, loadEngineConfig } from "../engine/config/mod.ts";
import {
  contentService,
  controlService,
  reflectionService,
  type EngineDeps,
  GatewayTable,
  gatewayService,
  Intake,
  type JobEnvironment,
  JobTable,
  RequestLedger,
} from "../engine/control/mod.ts";
import { DeviceRegistry } from "../engine/devices/mod.ts";
import { History } from "../engine/history/mod.ts";
import { TraceRecorder, TraceSender, tracedRoutes, traceService, traceTarget } from "../engine/traces/mod.ts";
import type { Executor } from "../engine/executor/mod.ts";
import { explainFullDisk, openWorker } from "../engine/worker/mod.ts";
import { formatPlatform, type Platform, platformsEqual } from "../oci/mod.ts";
import { RegistryLanes, SharedTokens } from "../registry/mod.ts";
import { createRpcServer } from "../rpc/mod.ts";
import { healthService, SessionManager } from "../session/mod.ts";
import { Activity } from "./activity.ts";
import { callLog } from "./call-log.ts";
import { openDebugAddress } from "./debug-address.ts";
import { gcPolicy } from "./gc-policy.ts";
import { listen } from "./listen.ts";
import { engineFlagTable, parseEngineFlags } from "./polyarchd-flags.ts";
import { tellServiceManager } from "./service-manager.ts";
import { listenForStop } from "./stop-signals.ts";
import { openTraceSocket } from "./trace-socket.ts";
import { version } from "./version.ts";

/** How long clients may take to hear how their builds have ended. */
const lastWordsMs = 1000;
/** How long builds may take to leave, once they are ended. */
const teardownMs = 5000;

async function main(argv: readonly string[]): Promise<void> {
  // Trees have the modes that images and steps say, whatever whoever starts the engine wants of their own files.
  process.umask(0o022);
  const command = parseEngineFlags(argv);
  if (command.type === "help") {
    const intro = "polyarchd: the engine of Polyarch. Speaks BuildKit's API, takes buildkitd's flags.";
    return void process.stdout.write(
      `${intro}\n\nUsage:  polyarchd [OPTIONS]\n\nOptions:\n${renderFlags(engineFlagTable)}`,
    );
  }
  if (command.type === "version") return void process.stdout.write(`polyarchd ${version}\n`);
  const config = await loadEngineConfig(command.flags, { env: process.env });
  setLogLevel(config.log.level);
  setLogFormat(config.log.format);
  for (const warning of config.warnings) log.warn(warning);
  try {
    await runEngine(config);
  } catch (error) {
    throw await explainFullDisk(error, config.root);
  }
}

async function runEngine(config: EngineConfig): Promise<void> {
  const { root } = config;
  if (process.getuid?.() !== 0) {
    throw new BuildError("permission_denied", "polyarchd needs root for now: start it with sudo");
  }
  requireOwnMounts();
  selfTest();
  await using stack = new AsyncDisposableStack();
  const debug = stack.use(await openDebugAddress(config.debugAddress));
  await makeDirectory(root, { mode: 0o711 });
  const lock = openSync(`${root}/polyarchd.lock`, "w", 0o600);
  stack.defer(() => closeSync(lock));
  if (!tryLock(lock)) {
    throw new BuildError(
      "failed_precondition",
      `could not lock ${root}/polyarchd.lock, another instance running? Stop it, or choose another --root`,
    );
  }
  const spawner = stack.use(await startSpawner());
  const disk = await statfs(root);
  const policy = gcPolicy(config.gc, disk.blocks * disk.bsize);
  const worker = stack.use(
    await openWorker<JobEnvironment>({
      root,
      spawner,
      path: process.env["PATH"] ?? "",
      logLimits: logLimits(process.env),
      ...(config.maxParallelism === undefined ? {} : { maxParallelism: config.maxParallelism }),
      ...(policy ? { gcPolicy: policy } : {}),
      dns: config.dns,
      runtime: config.runtime,
      cgroupParent: config.cgroupParent,
      platformsMaxAgeMs: config.system.platformsMaxAgeMs,
      network: config.network,
      devices: config.cdi && new DeviceRegistry(config.cdi),
    }),
  );
  const history = stack.use(
    await History.open({
      directory: join(root, "history"),
      limits: config.history,
      now: () => new Date(),
      onEnd: debug && ((record) => debug.server.addBuild(record)),
    }),
  );
  const collector = traceTarget(process.env);
  const sender = collector && stack.use(new TraceSender(collector));
  const traces = new TraceRecorder({ now: () => new Date(), onSpan: sender && ((span) => sender.add(span)) });
  const sessions = stack.use(new SessionManager());
  const deps: EngineDeps = {
    worker: config.platforms ? { ...worker, executor: await withPlatforms(worker.executor, config.platforms) } : worker,
    sessions,
    jobs: new JobTable(),
    intake: new Intake(),
    gateways: new GatewayTable(),
    requests: new RequestLedger(),
    provenanceEnv: config.provenanceEnv,
    history,
    traces,
    traceSocket: config.traceSocket?.type === "unix" ? config.traceSocket.path : undefined,
    allowedEntitlements: config.entitlements,
    hosts: (host) => config.registries.get(host) ?? {},
    env: process.env,
    lanes: new RegistryLanes(config.system.maxRegistryConcurrency),
    tokens: new SharedTokens(),
    frontends: config.frontends,
    labels: config.labels,
    version,
  };
  const idle = Promise.withResolvers<string>();
  const activity = new Activity(config.idleTimeoutMs, () => idle.resolve("idle"));
  const routes = [
    sessions.route(),
    ...controlService(deps),
    ...tracedRoutes(gatewayService(deps), traces, { now: () => new Date() }),
    ...contentService([history.blobs, worker.content]),
    ...traceService(traces),
    ...healthService().routes,
  ];
  const services = [...routes, ...reflectionService(routes)];
  const rpc = createRpcServer({
    services,
    peerCredentials,
    observers: [callLog, ...(debug ? [debug.server.observer] : [])],
  });
  const onConnection = (socket: Socket) => {
    activity.begin();
    socket.once("close", () => activity.end());
  };
  if (config.traceSocket) stack.use(await openTraceSocket(config.traceSocket, traces));
  const doors = stack.use(new AsyncDisposableStack());
  const addresses: string[] = [];
  for (const address of config.addresses) {
    const listening = await listen(address, {
      tls: config.tls,
      socketOwner: config.socketOwner,
      env: process.env,
      serve: (server) => rpc.serve(server),
      onConnection,
    });
    addresses.push(doors.use(listening).address);
  }
  // From now on V8 looks for garbage when a heap has grown by half, not when it has grown fourfold. Earlier, that would cost a sixth of the start.
  setFlagsFromString("--heap-growing-percent=50");
  debug?.server.setReady(true);
  const signals = listenForStop();
  log.info(`polyarchd ${version} is listening on ${addresses.join(", ")}, state in ${root}`);
  tellServiceManager("READY=1", process.env);
  log.info(`stopping: ${await Promise.race([signals.first, idle.promise])}`);
  tellServiceManager("STOPPING=1", process.env);
  debug?.server.setReady(false);
  const drained = deps.intake.close();
  await doors.disposeAsync();
  if (deps.intake.inside > 0) {
    log.info(`waiting for builds to end: ${deps.intake.inside} under way; a second signal ends them`);
  }
  const isForced = await Promise.race([drained.then(() => false), signals.second.then(() => true)]);
  await rpc.close({ graceMs: isForced ? 0 : lastWordsMs });
  if (isForced) await Promise.race([drained, sleep(teardownMs)]);
}

/** @throws {BuildError} where the engine's mounts would be those of whoever started it: bin/polyarchd is what keeps them apart */
function requireOwnMounts(): void {
  if (process.pid === 1) return; // a container of its own
  const namespaceOf = (pid: number | "self") => readlinkSync(`/proc/${pid}/ns/mnt`);
  try {
    if (namespaceOf("self") !== namespaceOf(process.ppid)) return;
  } catch {
    return; // who has started it is gone, or hidden
  }
  throw new BuildError(
    "failed_precondition",
    "the engine needs a mount namespace of its own: start it as bin/polyarchd",
  );
}

/** An executor that shows other platforms than those that it finds; what it can run stays as it is. */
async function withPlatforms(executor: Executor, wanted: readonly Platform[]): Promise<Executor> {
  const found = await executor.platforms();
  const shown = wanted.map((platform) => {
    const runnable = found.find((candidate) => platformsEqual(candidate.platform, platform));
    if (!runnable) {
      log.warn(
        `platform ${formatPlatform(platform)} cannot pass the validation, kernel support for miscellaneous binary may have not enabled.`,
      );
    }
    return { platform, how: runnable?.how ?? "native" };
  });
  return {
    run: (...args) => executor.run(...args),
    platforms: () => Promise.resolve(shown),
    networkMode: executor.networkMode,
  };
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

main(process.argv.slice(2)).then(
  () => process.exit(0),
  (error: unknown) => {
    process.stderr.write(`polyarchd: ${messageOf(error)}\n`);
    process.exit(1);
  },
);

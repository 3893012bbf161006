import { randomUUID } from "node:crypto";
import { gateway, pb } from "../../../../api/mod.ts";
import { create } from "../../../../base/protobuf/mod.ts";
import { BuildError } from "../../../../base/errors/mod.ts";
import { createRpcServer } from "../../../../rpc/mod.ts";
import { healthService } from "../../../../session/mod.ts";
import type { ExitStatus } from "../../../executor/mod.ts";
import { exitDetail } from "../../../ops/mod.ts";
import type { Build, BuildResult, FrontendOptions } from "../../build.ts";
import { FrontendBridge } from "../../frontend-bridge.ts";
import type { RequestScope } from "../../provenance/mod.ts";
import type { LazyResult } from "../../lazy-result.ts";
import { workerRecords } from "../../worker-records.ts";
import { GatewayContainer } from "../containers/mod.ts";
import { GatewayBuild } from "../gateway-build.ts";
import { gatewayRoutes } from "../service.ts";
import { checkCapabilities, type FrontendImage, findFrontendImage } from "./frontend-image.ts";
import { ProcessDuplex } from "./process-duplex.ts";

/** What a frontend is asked. */
export interface FrontendRequest extends FrontendOptions {
  /** Its image's name. */
  readonly source: string;
  /** This very request. */
  readonly scope: RequestScope;
}

/** How long a frontend that has returned its result may take to end. */
const lastMs = 10_000;
/** How long one may take to end that speaks to nobody any more, or says what nobody understands. */
const speechlessMs = 2_000;

/**
 * Runs a frontend that is an image: a process of it leads the build over its standard input and output, as clients do that run their own.
 * @throws {BuildError} what the frontend returns as an error; `no result for incomplete build` when it ends without a word
 */
export async function runImageFrontend(build: Build, request: FrontendRequest): Promise<BuildResult> {
  const { source, attributes, inputs, policies = [], scope, depth = 0 } = request;
  if ("gateway-devel" in attributes) {
    throw new BuildError("invalid_argument", "development gateway is no longer supported");
  }
  const leaving = new AbortController();
  const signal = AbortSignal.any([request.signal, leaving.signal]);
  const platforms = (await build.deps.worker.executor.platforms()).map(({ platform }) => platform);
  const bridge = new FrontendBridge(build, { attributes, inputs, policies, platforms, depth, scope });
  const found = await findFrontendImage(source, attributes, { build, bridge, signal });
  checkCapabilities(found, { attributes, hasInputs: Object.keys(inputs).length > 0 });
  const led = new GatewayBuild(build, { platforms, inputs, depth: depth + 1, scope, signal });
  const server = createRpcServer({
    services: [gatewayRoutes(() => Promise.resolve(led), build.deps), healthService().routes].flat(),
  });
  const duplex = new ProcessDuplex();
  try {
    await using container = await openContainer(build, found, { scope, signal });
    const hungUp = server.attach(duplex);
    const init = create(gateway.InitMessageSchema, {
      ContainerID: "frontend",
      Meta: await processMeta(build, found, attributes),
    });
    const running = container.run(init, duplex.io, { signal }).finally(() => duplex.ended());
    running.catch(() => undefined); // awaited below
    const status = await endOf(running, { led, hungUp, signal });
    if (!led.isSettled) throw incomplete(status, duplex.complaints);
    const result = await led.returned;
    if (status && status.code !== 0) throw incomplete(status, duplex.complaints);
    return result;
  } finally {
    leaving.abort(new BuildError("canceled", `frontend ${source} has ended`));
    duplex.destroy();
    await led.containers[Symbol.asyncDispose]();
    await server.close({ graceMs: 0 });
  }
}

/** Waits until the process has ended, or has had its time to after it has returned a result or hung up. */
async function endOf(
  running: Promise<ExitStatus>,
  { led, hungUp, signal }: { readonly led: GatewayBuild; readonly hungUp: Promise<void>; readonly signal: AbortSignal },
): Promise<ExitStatus | undefined> {
  const patience = Promise.withResolvers<undefined>();
  let timer: NodeJS.Timeout | undefined;
  const wait = (ms: number) => () => {
    timer ??= setTimeout(() => patience.resolve(undefined), ms);
  };
  led.returned.then(wait(lastMs), wait(lastMs));
  void hungUp.then(wait(speechlessMs));
  try {
    return await Promise.race([running, patience.promise]);
  } finally {
    clearTimeout(timer);
    signal.throwIfAborted();
  }
}

async function openContainer(
  build: Build,
  found: FrontendImage,
  { scope, signal }: { readonly scope: RequestScope; readonly signal: AbortSignal },
): Promise<GatewayContainer> {
  const results = new Map<string, LazyResult>([
    ["root", await build.add(found.definition, { scope })],
    ["metadata", await build.add(found.metadata)],
  ]);
  const isAlone = found.config.config?.Labels?.["moby.buildkit.frontend.network.none"] === "true";
  const request = create(gateway.NewContainerRequestSchema, {
    ContainerID: `frontend ${randomUUID()}`,
    Mounts: [
      { dest: "/", resultID: "root" },
      { dest: "/run/config/buildkit/metadata", resultID: "metadata", readonly: true },
    ],
    Network: isAlone ? pb.NetMode.NONE : pb.NetMode.UNSET,
  });
  const find = (id: string) => {
    const result = results.get(id);
    if (!result) throw new Error(`Internal error: the frontend's container has no tree "${id}"`);
    return result;
  };
  return await GatewayContainer.open(request, { build, find, signal });
}

async function processMeta(
  build: Build,
  { config: { config } }: FrontendImage,
  attributes: Readonly<Record<string, string>>,
): Promise<pb.Meta> {
  const entrypoint = config?.Entrypoint ?? [];
  const options = Object.entries(attributes).map(([key, value], at) => `BUILDKIT_FRONTEND_OPT_${at}=${key}=${value}`);
  const workers = (await workerRecords(build.deps)).map(({ ID, Labels, platforms, BuildkitVersion }) => ({
    id: ID,
    labels: Labels,
    platforms: platforms?.map(({ OS, Architecture, Variant }) => ({
      architecture: Architecture,
      os: OS,
      ...(Variant ? { variant: Variant } : {}),
    })),
    buildkitVersion: { package: BuildkitVersion?.package, version: BuildkitVersion?.version },
  }));
  return create(pb.MetaSchema, {
    args: entrypoint.length > 0 ? [...entrypoint] : ["/run"],
    cwd: config?.WorkingDir || "/",
    user: config?.User ?? "",
    env: [
      ...(config?.Env ?? []),
      ...options,
      `BUILDKIT_SESSION_ID=${build.sessionId}`,
      `BUILDKIT_WORKERS=${JSON.stringify(workers)}`,
      "BUILDKIT_EXPORTEDPRODUCT=buildkit",
    ],
  });
}

function incomplete(status: ExitStatus | undefined, complaints: string): BuildError {
  const silence = status ? "no result for incomplete build" : "frontend grpc server closed unexpectedly";
  const why = status && status.code !== 0 ? `exit code: ${status.code}` : silence;
  const details = status && status.code !== 0 ? [exitDetail(status.code)] : [];
  return new BuildError("unknown", complaints === "" ? why : `${why}: ${complaints}`, { details });
}

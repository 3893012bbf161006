import type { control, pb } from "../../api/mod.ts";
import { BuildError } from "../../base/errors/mod.ts";
import { digestOf, formatPlatform } from "../../oci/mod.ts";
import { type ExporterResponse, type Exporter, type ExportSource, openExporter } from "../exporters/mod.ts";
import { dockerfileFrontend, type FrontendResult } from "../frontends/mod.ts";
import { loadDefinition } from "../ops/mod.ts";
import type { Ref } from "../refs/mod.ts";
import type { Job } from "../solver/mod.ts";
import type { EngineDeps } from "./deps.ts";
import { JobEnvironment } from "./environment.ts";
import { FrontendBridge } from "./frontend-bridge.ts";
import { ImageResolver } from "../sources/mod.ts";
import { openSessionRegistry } from "./session-registry.ts";

/**
 * One build, from request to response: frontend, graph, exports. Everything that can be refused is refused before anything runs.
 * @throws {BuildError} the first failure; whatever was running for this build alone has ended by then
 */
export async function solve(request: control.SolveRequest, deps: EngineDeps, options: { signal: AbortSignal }): Promise<ExporterResponse> {
  refuseUnsupported(request);
  if (request.Ref === "") throw new BuildError("invalid_argument", "the request has no ref to know the build by");
  const exporters = exportersOf(request).map((exporter) => openExporter(exporter.Type, exporter.Attrs));
  const entitlements = grantEntitlements(request.Entitlements, deps);
  const { worker } = deps;

  await using registry = openSessionRegistry({ sessions: deps.sessions, sessionId: request.Session });
  const controller = new AbortController();
  const signal = AbortSignal.any([options.signal, controller.signal]);
  const environment: JobEnvironment = new JobEnvironment({
    sessions: deps.sessions,
    sessionId: request.Session,
    registry,
    images: new ImageResolver({ registry, content: worker.content }),
    entitlements,
    solve: async (definition, { signal: wanted }) => await buildDefinition(definition, job, deps, wanted),
  });
  const job: Job<Ref, JobEnvironment> = worker.solver.openJob(request.Ref, { environment, signal });
  let failure: unknown;
  try {
    deps.jobs.add(request.Ref, job);
    const source = await resultOf(request, job, environment, deps, signal);
    try {
      return await exportAll(exporters, source, { request, job, environment, signal });
    } finally {
      for (const { ref } of source.refs) await ref.release();
    }
  } catch (error) {
    failure = error;
    controller.abort(error);
    throw error;
  } finally {
    await job.close(failure);
    deps.jobs.retire(request.Ref);
  }
}

/** Names what would otherwise be ignored. */
function refuseUnsupported(request: control.SolveRequest): void {
  const refuse = (what: string): never => {
    throw new BuildError("unimplemented", `${what} is not supported by this engine yet`);
  };
  const cache = request.Cache;
  if (cache && (cache.Exports.length > 0 || cache.ExportRefDeprecated !== "")) refuse("cache export");
  if (cache && (cache.Imports.length > 0 || cache.ImportRefsDeprecated.length > 0)) refuse("cache import");
  if (request.SourcePolicy || request.SourcePolicySession !== "") refuse("a source policy");
  if (request.EnableSessionExporter) refuse("the session exporter");
  if (request.ProxyNetwork) refuse("the proxy network");
  if (request.CompatibilityVersion > 30n) {
    throw new BuildError("invalid_argument", `unsupported compatibility-version ${request.CompatibilityVersion}: upgrade buildkit (max supported: 30)`);
  }
  if (request.Frontend === "" && !request.Definition) refuse("a build whose frontend runs in the client");
  for (const key of Object.keys(request.FrontendAttrs)) {
    if (key.startsWith("attest:")) refuse(`attestation "${key.slice("attest:".length)}"`);
  }
}

function exportersOf(request: control.SolveRequest): readonly { Type: string; Attrs: Readonly<Record<string, string>> }[] {
  const epoch = request.FrontendAttrs["build-arg:SOURCE_DATE_EPOCH"];
  const exporters =
    request.Exporters.length > 0
      ? request.Exporters
      : request.ExporterDeprecated === ""
        ? []
        : [{ Type: request.ExporterDeprecated, Attrs: request.ExporterAttrsDeprecated }];
  if (epoch === undefined || !/^\d+$/.test(epoch)) return exporters;
  return exporters.map(({ Type, Attrs }) => ({ Type, Attrs: { "source-date-epoch": epoch, ...Attrs } }));
}

function grantEntitlements(wanted: readonly string[], deps: EngineDeps): ReadonlySet<string> {
  for (const name of wanted) {
    if (!["network.host", "security.insecure"].includes(name) && !name.startsWith("device")) {
      throw new BuildError("invalid_argument", `unknown entitlement ${name}`);
    }
    if (!deps.allowedEntitlements.has(name)) {
      throw new BuildError("permission_denied", `granting entitlement ${name} is not allowed by build daemon configuration`);
    }
  }
  return new Set(wanted);
}

async function buildDefinition(definition: pb.Definition, job: Job<Ref, JobEnvironment>, deps: EngineDeps, signal: AbortSignal): Promise<Ref | undefined> {
  signal.throwIfAborted();
  const { edge } = loadDefinition(definition, deps.worker.ops);
  return edge ? await job.build(edge) : undefined;
}

/** Runs the frontend, or takes the plain definition, and builds the filesystems of the result. The refs are the caller's. */
async function resultOf(
  request: control.SolveRequest,
  job: Job<Ref, JobEnvironment>,
  environment: JobEnvironment,
  deps: EngineDeps,
  signal: AbortSignal,
): Promise<ExportSource> {
  const { worker } = deps;
  const runnable = await worker.executor.platforms();
  const platforms = runnable.map(({ platform }) => platform);
  const result = await frontendResult();
  const built = await Promise.allSettled(
    result.refs.map(async ({ definition }) =>
      definition ? ((await buildDefinition(definition, job, deps, signal)) ?? worker.refs.scratch()) : worker.refs.scratch(),
    ),
  );
  const failed = built.find((outcome) => outcome.status === "rejected");
  if (failed) {
    for (const outcome of built) if (outcome.status === "fulfilled") await outcome.value.release();
    throw failed.reason;
  }
  return {
    multiPlatform: result.multiPlatform,
    metadata: result.metadata,
    refs: result.refs.map(({ id, platform }, at) => {
      const outcome = built[at];
      if (outcome?.status !== "fulfilled") throw new Error("Internal error: a platform without a result");
      return { id, platform, ref: outcome.value };
    }),
  };

  async function frontendResult(): Promise<FrontendResult> {
    if (request.Frontend === "") {
      const platform = worker.ops.platform;
      return {
        multiPlatform: false,
        metadata: {},
        refs: [{ id: formatPlatform(platform), platform, definition: request.Definition }],
      };
    }
    if (request.Frontend !== "dockerfile.v0") {
      throw new BuildError("not_found", `frontend ${request.Frontend} not found: this engine has dockerfile.v0`);
    }
    await using bridge = new FrontendBridge({
      attributes: request.FrontendAttrs,
      sessionId: request.Session,
      platforms,
      inputs: request.FrontendInputs,
      job,
      deps: worker.ops,
      environment,
    });
    return await dockerfileFrontend(bridge, { signal });
  }
}

/** Runs all exporters at once; the responses are merged, later ones winning. */
async function exportAll(
  exporters: readonly Exporter[],
  source: ExportSource,
  context: {
    readonly request: control.SolveRequest;
    readonly job: Job<Ref, JobEnvironment>;
    readonly environment: JobEnvironment;
    readonly signal: AbortSignal;
  },
): Promise<ExporterResponse> {
  const { request, job, environment, signal } = context;
  const outcomes = await Promise.allSettled(
    exporters.map(async (exporter, index) => {
      const step = job.progressFor({ digest: digestOf(`${request.Session}-export-${index}`), name: exporter.title });
      step.start();
      try {
        const response = await exporter.export(source, {
          signal,
          index,
          progress: step,
          registry: environment.registry,
          session: async () => await environment.session(undefined, { signal }),
        });
        step.complete();
        return response;
      } catch (error) {
        step.error(error);
        throw error;
      }
    }),
  );
  const frontendKeys = Object.entries(source.metadata)
    .filter(([key]) => key.startsWith("frontend."))
    .map(([key, value]) => [key, Buffer.from(value).toString()] as const);
  let response: ExporterResponse = Object.fromEntries(frontendKeys);
  for (const outcome of outcomes) {
    if (outcome.status === "rejected") throw outcome.reason;
    response = { ...response, ...outcome.value };
  }
  return response;
}

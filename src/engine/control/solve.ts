import { control } from "../../api/mod.ts";
import { create } from "../../base/protobuf/mod.ts";
import { BuildError, messageOf } from "../../base/errors/mod.ts";
import { log } from "../../base/log/mod.ts";
import { type Descriptor, digestOf, formatPlatform } from "../../oci/mod.ts";
import {
  askedAttestations,
  type Attestations,
  type ProvenanceWishes,
  readProvenanceWishes,
  refuseProvenance,
  sbomRequest,
} from "../attestations/mod.ts";
import { checkCompatibility, exporterAsOf, newestCompatibility, type RequestedExporter } from "./compatibility.ts";
import { type CacheEntry, type CacheExports, openCacheExports } from "../caches/mod.ts";
import {
  type Document,
  type ExportContext,
  type ExporterResponse,
  type Exporter,
  type ExportSource,
  openExporter,
} from "../exporters/mod.ts";
import type { BuildOutcome } from "../history/mod.ts";
import { sourcePolicy } from "../policy/mod.ts";
import type { RefStore } from "../refs/mod.ts";
import { ImageResolver } from "../sources/mod.ts";
import { BuildTrace, formatTraceparent, type TraceContext } from "../traces/mod.ts";
import { explainFullDisk } from "../worker/mod.ts";
import { Build, type BuildResult } from "./build.ts";
import { buildFailure } from "./build-failure.ts";
import { LazyResult } from "./lazy-result.ts";
import { ProvenanceRecorder } from "./provenance/mod.ts";
import type { Policies } from "./policies.ts";
import type { EngineDeps } from "./deps.ts";
import { type Grants, grantEntitlements } from "./entitlements.ts";
import { JobEnvironment } from "./environment.ts";
import { finalizeExport, findExporters } from "./session-exporters.ts";
import { openSessionRegistry } from "./session-registry.ts";
import { withContentsListed } from "./sboms/mod.ts";
import { statusMessages } from "./status-messages.ts";

/**
 * One build, from request to response: frontend, graph, exports. Everything that can be refused is refused before anything runs.
 * @param options.caller the span that the build is part of
 * @throws {BuildError} the first failure; whatever was running for this build alone has ended by then
 */
export async function solve(
  request: control.SolveRequest,
  deps: EngineDeps,
  options: { signal: AbortSignal; caller?: TraceContext | undefined },
): Promise<ExporterResponse> {
  const { exporters, grants, cacheExports, provenance } = check(request, deps);
  const { worker } = deps;
  const policies = policiesOf(request);

  // Not closed at the end: another build may have joined a download that this one began. Idle connections close by themselves.
  const registry = openSessionRegistry({ ...deps, sessionId: request.Session });
  const controller = new AbortController();
  const signal = AbortSignal.any([options.signal, controller.signal]);
  const environment: JobEnvironment = new JobEnvironment({
    sessions: deps.sessions,
    sessionId: request.Session,
    registry,
    images: new ImageResolver({ registry, content: worker.content }),
    content: worker.content,
    ...grants,
    solve: async (definition) => (await (await build.add(definition)).build())?.clone(),
    trace: (vertex) => {
      const { traceSocket: socket } = deps;
      return socket && trace ? { socket, traceparent: formatTraceparent(trace.step(vertex)) } : undefined;
    },
  });
  const job = worker.solver.openJob(request.Ref, { environment, signal });
  deps.jobs.add(request.Ref, job);
  // Until its status ends, which closing the job does.
  const forever = new AbortController().signal;
  const trace = request.Internal
    ? undefined
    : new BuildTrace(deps.traces, { parent: options.caller, now: () => new Date() });
  const recorded = { ...request, Exporters: exportersOf(request).map((init) => create(control.ExporterSchema, init)) };
  const recording = trace && deps.history.begin(recorded, statusMessages(job.status(), forever), trace);
  const build = new Build({
    job,
    environment,
    sessionId: request.Session,
    deps,
    policies,
    policySession: request.SourcePolicySession,
    call: { frontend: request.Frontend, attributes: request.FrontendAttrs, inputs: request.FrontendInputs },
  });
  const recorder = new ProvenanceRecorder({
    job,
    scope: build.scope,
    material: environment.material,
    compatibilityVersion: Number(request.CompatibilityVersion || newestCompatibility),
    builderPlatform: formatPlatform(worker.ops.platform),
    provenanceEnv: deps.provenanceEnv,
    now: worker.ops.now,
  });
  let made: BuildResult | undefined;
  let failure: unknown;
  let exported: Exported = { response: {}, results: new Map(), documents: [] };
  try {
    build.caches.consult(cacheImportsOf(request));
    const attributes = request.FrontendAttrs;
    const returned = await resultOf(request, build, signal);
    refuseProvenance(returned.attestations);
    const result = await withContentsListed(build, returned, { attributes, signal });
    const edges = new Map(result.refs.flatMap(({ id, result: { edge } }) => (edge ? [[id, edge] as const] : [])));
    const trees = await makeAll(result, worker.refs);
    made = result;
    const told = provenance && recorder.attestations(result, provenance);
    const source = { ...trees, attestations: joined(trees.attestations, told) };
    const inlineCache: ExportContext["inlineCache"] = async ({ id, ref }, how) => {
      const edge = cacheExports.isInline ? edges.get(id) : undefined;
      return edge && (await build.caches.inline(ref, edge, how));
    };
    const caller = request.EnableSessionExporter ? await environment.session(undefined, { signal }) : undefined;
    const added = caller ? await findExporters(caller, source, { signal }) : [];
    exported = await exportAll([...exporters, ...added], source, { request, build, inlineCache, signal });
    const cached = await exportCaches(build, cacheExports, { result, source });
    exported = { ...exported, response: { ...exported.response, ...cached } };
    if (caller) await finalizeExport(caller, exported.response, { signal });
    return exported.response;
  } catch (error) {
    failure = buildFailure(await explainFullDisk(error, worker.root));
    controller.abort(failure);
    throw failure;
  } finally {
    const statements = recording && made && (await statementsOf(made, recorder, provenance));
    await build[Symbol.asyncDispose]();
    await job.close(failure);
    await environment[Symbol.asyncDispose]();
    const { response, results, documents } = exported;
    await recording?.end({
      failure,
      exporterResponse: response,
      results,
      documents,
      ...(statements && { statements }),
    });
    deps.jobs.retire(request.Ref);
  }
}

/** What a request asks for, as far as it can be refused. For whoever waits for news of the build there are none. */
function check(
  request: control.SolveRequest,
  deps: EngineDeps,
): {
  readonly exporters: readonly Exporter[];
  readonly grants: Grants;
  readonly cacheExports: CacheExports;
  /** `undefined`: nobody asked for it. */
  readonly provenance: ProvenanceWishes | undefined;
} {
  try {
    refuseUnsupported(request);
    if (request.Ref === "") throw new BuildError("invalid_argument", "the request has no ref to know the build by");
    if (deps.jobs.has(request.Ref)) throw new BuildError("already_exists", `job ID ${request.Ref} exists`);
    const exporters = exportersOf(request).map((exporter) => openExporter(exporter.Type, exporter.Attrs));
    const cacheExports = openCacheExports(cacheExportsOf(request), deps.env);
    sourcePolicy(policiesOf(request));
    const asked = askedAttestations(request.FrontendAttrs);
    sbomRequest(asked);
    const provenance = asked.provenance && readProvenanceWishes(asked.provenance);
    return {
      exporters,
      provenance,
      grants: grantEntitlements(request.Entitlements, deps.allowedEntitlements),
      cacheExports,
    };
  } catch (error) {
    deps.jobs.refuse(request.Ref);
    throw buildFailure(error);
  }
}

/** Names what would otherwise be ignored. */
function refuseUnsupported(request: control.SolveRequest): void {
  const refuse = (what: string): never => {
    throw new BuildError("unimplemented", `${what} is not supported by this engine yet`);
  };
  if (request.ProxyNetwork) refuse("the proxy network");
  checkCompatibility(request.CompatibilityVersion);
}

/** Rules about sources. */
function policiesOf({ SourcePolicy: policy }: control.SolveRequest): Policies {
  return policy ? [policy] : [];
}

/** Where the build's cache is to be written; old clients name one registry. */
function cacheExportsOf({ Cache: cache }: control.SolveRequest): readonly CacheEntry[] {
  if (!cache) return [];
  const ref = cache.ExportRefDeprecated;
  const old = ref === "" ? [] : [{ Type: "registry", Attrs: { ...cache.ExportAttrsDeprecated, ref } }];
  return [...cache.Exports, ...old];
}

/** Where results may be found that this engine does not have; old clients name registries. */
function cacheImportsOf({ Cache: cache }: control.SolveRequest): readonly CacheEntry[] {
  const old = (cache?.ImportRefsDeprecated ?? []).map((ref) => ({ Type: "registry", Attrs: { ref } }));
  return [...(cache?.Imports ?? []), ...old];
}

function exportersOf(request: control.SolveRequest): readonly RequestedExporter[] {
  const epoch = request.FrontendAttrs["build-arg:SOURCE_DATE_EPOCH"];
  const asked =
    request.Exporters.length > 0
      ? request.Exporters
      : request.ExporterDeprecated === ""
        ? []
        : [{ Type: request.ExporterDeprecated, Attrs: request.ExporterAttrsDeprecated }];
  const isAttested = Object.keys(request.FrontendAttrs).some((key) => key.startsWith("attest:"));
  const exporters = asked.map((exporter) => exporterAsOf(request.CompatibilityVersion, exporter, { isAttested }));
  if (epoch === undefined || !/^\d+$/.test(epoch)) return exporters;
  return exporters.map(({ Type, Attrs }) => ({ Type, Attrs: { "source-date-epoch": epoch, ...Attrs } }));
}

/** What to build: told by a frontend here, by a client that runs its own, or as a plain graph. */
async function resultOf(request: control.SolveRequest, build: Build, signal: AbortSignal): Promise<BuildResult> {
  if (request.Frontend !== "") {
    return await build.runFrontend(request.Frontend, {
      attributes: request.FrontendAttrs,
      inputs: request.FrontendInputs,
      signal,
    });
  }
  if (request.Definition) return await build.plain(request.Definition);
  return await build.deps.gateways.run(request.Ref, build, { signal });
}

/** Makes the filesystems of the result, and what is said of them, all at once. They stay held by the build. */
async function makeAll(result: BuildResult, store: RefStore): Promise<ExportSource> {
  const [refs] = await Promise.all([
    Promise.all(
      result.refs.map(async ({ id, platform, result }) => ({
        id,
        platform,
        ref: (await result.build()) ?? store.scratch(),
      })),
    ),
    Promise.all(treesSaid(result).map(async (files) => await files.build())),
  ]);
  const { multiPlatform, metadata, attestations } = result;
  return { multiPlatform, metadata, attestations, refs };
}

/** Trees in which it stands what is said of a result. */
function treesSaid({ attestations }: BuildResult): readonly LazyResult[] {
  return [...attestations.values()].flat().flatMap(({ files }) => (files instanceof LazyResult ? files : []));
}

/** Writes caches with all that the result is made of, and with what scanners have written that looked through it. */
async function exportCaches(
  build: Build,
  exports: CacheExports,
  { result, source }: { readonly result: BuildResult; readonly source: ExportSource },
): Promise<ExporterResponse> {
  const said = treesSaid(result);
  const edges = [...result.refs.map((one) => one.result), ...said].flatMap(({ edge }) => edge ?? []);
  const scans = (await Promise.all(said.map(async (files) => await files.build()))).flatMap((ref) => ref ?? []);
  return await build.caches.export(exports, [...source.refs.map(({ ref }) => ref), ...scans], edges);
}

/** What is said of each tree by the one and by the other. */
function joined(attestations: Attestations, more: Attestations = new Map()): Attestations {
  const ids = new Set([...attestations.keys(), ...more.keys()]);
  return new Map([...ids].map((id) => [id, [...(attestations.get(id) ?? []), ...(more.get(id) ?? [])]]));
}

/** What the build's record says of its results, to be written later; `undefined`: what it says is lost, which is no reason to fail. */
async function statementsOf(
  result: BuildResult,
  recorder: ProvenanceRecorder,
  provenance: ProvenanceWishes | undefined,
): Promise<BuildOutcome["statements"]> {
  try {
    return await recorder.statements(result, provenance?.builderId ?? "");
  } catch (error) {
    log.warn(`how a result was made could not be recorded: ${messageOf(error)}`);
    return undefined;
  }
}

/** What the exporters have made of a result. */
interface Exported {
  readonly response: ExporterResponse;
  readonly results: BuildOutcome["results"];
  readonly documents: BuildOutcome["documents"];
}

/** Runs all exporters at once; the responses are merged, later ones winning. */
async function exportAll(
  exporters: readonly Exporter[],
  source: ExportSource,
  context: {
    readonly request: control.SolveRequest;
    readonly build: Build;
    readonly inlineCache: ExportContext["inlineCache"];
    readonly signal: AbortSignal;
  },
): Promise<Exported> {
  const { request, signal, inlineCache } = context;
  const { build } = context;
  const { job, environment, deps } = build;
  const { worker } = deps;
  const documents: Document[] = [];
  const outcomes = await Promise.allSettled(
    exporters.map(async (exporter, index) => {
      const step = job.progressFor({ digest: digestOf(`${request.Session}-export-${index}`), name: exporter.title });
      step.start();
      try {
        const response = await exporter.export(source, {
          signal,
          index,
          progress: step,
          registry: build.registry,
          inlineCache,
          noteDocument: (document) => documents.push(document),
          noteKnownIn: (digest, repository) => worker.refs.noteKnownIn(digest, repository),
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
  const results = new Map<number, Descriptor>();
  for (const [index, outcome] of outcomes.entries()) {
    if (outcome.status === "rejected") throw outcome.reason;
    response = { ...response, ...outcome.value };
    const descriptor = outcome.value["containerimage.descriptor"];
    if (descriptor !== undefined) results.set(index, JSON.parse(Buffer.from(descriptor, "base64").toString()));
  }
  return { response, results, documents };
}

import { createHash } from "node:crypto";
import { hostname } from "node:os";
import { asBuildError, BuildError, isAbort, messageOf } from "../base/errors/mod.ts";
import type { BuildKitClient } from "../client/mod.ts";
import {
  type Attachable,
  authProvider,
  contentStores,
  fileSend,
  fileSync,
  newSessionId,
  secretProvider,
  type SessionCredentials,
  type SessionTokenFetcher,
  type SessionTokenSeeds,
  sshAgents,
  uploads,
} from "../session/mod.ts";
import { askFrontend } from "./ask-frontend.ts";
import type { BuildEvent } from "./events.ts";
import { fitToEngine } from "./fit-engine.ts";
import { explainMissing } from "./missing-source.ts";
import { type LayoutOutput, openLayoutOutput } from "./outputs/layout-output.ts";
import { OpenSinks } from "./outputs/open-sinks.ts";
import { type OutputPlaces, sendTarget } from "./outputs/send-target.ts";
import type { PreparedBuild } from "./prepare-build.ts";
import { withHostGateway } from "./request/extra-hosts.ts";
import { type ProvenanceMode, recordedProvenance } from "./provenance/mod.ts";
import type { BuildResult } from "./result.ts";

/** What {@link runBuild} works with. */
export interface BuildSurroundings {
  readonly client: BuildKitClient;
  /** Name of the builder and of its node, for the build's reference. */
  readonly builder: { readonly name: string; readonly node: string };
  /** What kind of driver the builder has, for instance `docker`. */
  readonly driver: string;
  /** Stands for this machine and user from build to build; its host's name where there is none. */
  readonly identity?: string | undefined;
  readonly credentials: SessionCredentials;
  /** Fetches tokens here, so that passwords stay here; without it the engine does, with the passwords. */
  readonly fetchToken: SessionTokenFetcher | undefined;
  /** By which engines know this user again; without them they share no tokens among his builds. */
  readonly seeds?: SessionTokenSeeds | undefined;
  readonly stdout: NodeJS.WritableStream;
  /** Gives an archive to the Docker Engine of a context, or to the one in use. */
  readonly loadImage: (
    archive: AsyncIterable<Uint8Array>,
    options: { readonly context: string | undefined; readonly signal: AbortSignal },
  ) => Promise<void>;
  readonly onEvent: (event: BuildEvent) => void;
  /** How much to tell of how the image was made, where the engine has recorded that. */
  readonly provenance: ProvenanceMode;
  /** Told before the build is asked for; what it does is done when the build has ended, and its failure is nobody's. */
  readonly onStart?:
    | ((build: { readonly builder: string; readonly node: string; readonly ref: string }) => Promise<void>)
    | undefined;
  readonly now: () => Date;
  /** Cancels the build. The engine is given a moment to end what it does. */
  readonly signal: AbortSignal;
}

/** How long the engine may take to tell the end of a build that is over. */
const lastNewsMs = 5_000;
/** The same for a build of which nothing has been told: mostly one that was refused before it began, and of which nothing ever will be. */
const firstNewsMs = 1_000;

/**
 * Has the engine build and export what was prepared, and serves it while it does.
 * @throws {BuildError} `failed to solve: …` with the engine's code and details; `canceled` when `signal` aborted
 */
export async function runBuild(prepared: PreparedBuild, surroundings: BuildSurroundings): Promise<BuildResult> {
  const { client, builder, signal, onEvent } = surroundings;
  signal.throwIfAborted();
  const known = await withKnownHosts(prepared, surroundings);
  const { build, warnings } = await fitToEngine(known, {
    capabilities: () => client.capabilities({ signal }),
    name: async () => (await client.info({ signal }))?.package,
  });
  for (const short of warnings) warn(short, surroundings);
  const layout = await openLayoutOutput(build.outputs);
  const id = newSessionId();
  const sinks = new OpenSinks();
  await using ending = new AsyncDisposableStack();
  ending.defer(() => sinks.settled());
  await using session = await client.openSession({
    attachables: attachables(build, { sinks, layout }, surroundings),
    sharedKey:
      build.inputs.context === undefined ? "" : sharedKey(build.inputs.context, surroundings.identity ?? hostname()),
  });
  const newsController = new AbortController();
  const noted = surroundings.onStart?.({ builder: builder.name, node: builder.node, ref: id }).catch(() => undefined);
  let isTold = false;
  const onNews = (event: BuildEvent) => {
    isTold = true;
    onEvent(event);
  };
  const news = followStatus(client, id, { onEvent: onNews, signal: newsController.signal });
  try {
    if (build.attrs["requestid"] !== undefined) {
      const { attrs, entitlements } = build;
      const response = await askFrontend(client, { ref: id, sessionId: session.id, attrs, entitlements, signal });
      return { ref: "", response };
    }
    const { ExporterResponse } = await client.solve(
      {
        Ref: id,
        Session: session.id,
        Frontend: "dockerfile.v0",
        FrontendAttrs: build.attrs,
        Exporters: build.outputs.map(({ exporter, attrs }) => ({ Type: exporter, Attrs: attrs })),
        ...deprecatedExporter(build),
        Entitlements: [...build.entitlements],
        ...(build.sourcePolicy ? { SourcePolicy: build.sourcePolicy } : {}),
        Cache: {
          Exports: build.caches.exports.map(({ type, attrs }) => ({ Type: type, Attrs: attrs })),
          Imports: build.caches.imports.map(({ type, attrs }) => ({ Type: type, Attrs: attrs })),
        },
      },
      { signal },
    );
    await build.caches.finish(ExporterResponse);
    await layout?.finish(ExporterResponse);
    const provenance = await provenanceOf(id, surroundings);
    return { ref: `${builder.name}/${builder.node}/${id}`, response: { ...ExporterResponse, ...provenance } };
  } catch (error) {
    throw await explainMissing(solveError(error, signal), build.inputs);
  } finally {
    const timer = setTimeout(() => newsController.abort(), isTold ? lastNewsMs : firstNewsMs);
    await Promise.all([news, noted]);
    clearTimeout(timer);
  }
}

/** The build with the address of the engine's machine, where it names that. */
async function withKnownHosts(
  build: PreparedBuild,
  { client, driver, signal }: BuildSurroundings,
): Promise<PreparedBuild> {
  const { "add-hosts": hosts, ...attrs } = build.attrs;
  if (hosts === undefined) return build;
  const labels = async () => (await client.listWorkers({ signal }))[0]?.Labels ?? {};
  return { ...build, attrs: { ...attrs, "add-hosts": await withHostGateway(hosts, { driver, labels }) } };
}

/** Says what the engine passes over, as a step of our own. */
function warn(short: string, { onEvent, now }: BuildSurroundings): void {
  const name = "checking what the engine can do";
  onEvent({ type: "step", step: { id: name, name, started: now(), completed: now(), warning: { short, detail: [] } } });
}

/** What the engine has recorded of how the image was made, looked up as a step of our own. */
async function provenanceOf(ref: string, surroundings: BuildSurroundings): Promise<Readonly<Record<string, string>>> {
  const { client, provenance: mode, signal, onEvent, now } = surroundings;
  if (mode === "disabled") return {};
  const step = { id: `provenance ${ref}`, name: "resolving provenance for metadata file", started: now() };
  onEvent({ type: "step", step });
  try {
    const told = await recordedProvenance(client, ref, { mode, signal });
    onEvent({ type: "step", step: { ...step, completed: now() } });
    return told;
  } catch (error) {
    onEvent({ type: "step", step: { ...step, completed: now(), error: messageOf(error) } });
    throw error;
  }
}

/** Engines from before there were several exporters read the first one here. */
function deprecatedExporter({ outputs: [first] }: PreparedBuild): {
  ExporterDeprecated?: string;
  ExporterAttrsDeprecated?: Record<string, string>;
} {
  return first ? { ExporterDeprecated: first.exporter, ExporterAttrsDeprecated: first.attrs } : {};
}

function attachables(
  build: PreparedBuild,
  { sinks, layout }: { readonly sinks: OpenSinks; readonly layout: LayoutOutput | undefined },
  surroundings: BuildSurroundings,
): Attachable[] {
  const { stdout, loadImage, onEvent, now, signal, credentials, fetchToken, seeds } = surroundings;
  const places: OutputPlaces = {
    stdout,
    now,
    sinks,
    loadImage: (archive, context) => loadImage(archive, { context, signal }),
    onStep: (step) => onEvent({ type: "step", step }),
  };
  const { directories, layouts, uploads: streams } = build.inputs;
  const { readable } = build.caches;
  const writable = { ...build.caches.writable, ...(layout && { [layout.id]: layout.store }) };
  const stores = [
    ...Object.entries(layouts).map(([name, blobs]) => [`oci:${name}`, blobs] as const),
    ...Object.entries(readable),
  ];
  return [
    fileSync({
      dirs: Object.fromEntries(Object.entries(directories).map(([name, path]) => [name, { path }])),
    }),
    ...(stores.length > 0 || Object.keys(writable).length > 0
      ? [contentStores(Object.fromEntries(stores), writable)]
      : []),
    ...(Object.keys(streams).length > 0 ? [uploads(streams)] : []),
    authProvider({ credentials, fetchToken, seeds }),
    ...(build.secrets.size > 0 ? [secretProvider(async (id) => await build.secrets.get(id)?.())] : []),
    ...(Object.keys(build.agents).length > 0 ? [sshAgents(build.agents)] : []),
    fileSend(build.outputs.map(({ target }) => sendTarget(target, places))),
  ];
}

/** Passes news on until there are no more. Losing them is no reason to lose the build. */
async function followStatus(
  client: BuildKitClient,
  ref: string,
  { onEvent, signal }: { onEvent: (event: BuildEvent) => void; signal: AbortSignal },
): Promise<void> {
  try {
    for await (const status of client.status(ref, { signal })) onEvent({ type: "status", status });
  } catch {
    // whatever it was, the build's own answer tells more
  }
}

function solveError(error: unknown, signal: AbortSignal): BuildError {
  if (signal.aborted || isAbort(error)) {
    return new BuildError("canceled", "failed to solve: Canceled: context canceled", { cause: error });
  }
  const { code, message, details, location } = asBuildError(error);
  return new BuildError(code, `failed to solve: ${withHint(message)}`, { cause: error, details, location });
}

/** Says from when on frontends can what this one cannot, in docker buildx's words. */
function withHint(message: string): string {
  const [, lacks] =
    /unsupported frontend capability moby\.buildkit\.frontend\.(contexts|gitquerystring)/.exec(message) ?? [];
  if (lacks === undefined) return message;
  const hint =
    lacks === "contexts"
      ? "current frontend does not support --build-context. Named contexts are supported since Dockerfile v1.4. Use #syntax directive in Dockerfile or update to latest BuildKit."
      : "current frontend does not support Git URLs with query string components. Git URLs with query string are supported since Dockerfile v1.18 and BuildKit v0.24. Use BUILDKIT_SYNTAX build-arg, #syntax directive in Dockerfile or update to latest BuildKit.";
  return `${message}: ${hint}`;
}

/** The same for each build of this directory on this machine: what was sent for one build need not be sent again for the next. */
function sharedKey(directory: string, identity: string): string {
  return `${directory}:${createHash("sha256").update(identity).digest("hex").slice(0, 16)}`;
}

import type { MessageInitShape } from "../../../base/protobuf/mod.ts";
import { type apicaps, gateway } from "../../../api/mod.ts";
import { BuildError, isAbort } from "../../../base/errors/mod.ts";
import type { Digest } from "../../../oci/mod.ts";
import { type HandlerContext, type Route, service } from "../../../rpc/mod.ts";
import type { EngineDeps } from "../deps.ts";
import { resolveImage, resolveSourceMeta } from "../source-meta.ts";
import { workerRecords } from "../worker-records.ts";
import { engineCapabilities, gatewayCapabilities } from "./capabilities.ts";
import { execProcesses, readContainerDirectory, readContainerFile, statContainerFile } from "./containers/mod.ts";
import type { GatewayBuild } from "./gateway-build.ts";
import { readRefDirectory, readRefFile, statRefFile } from "./ref-files.ts";

/** The LLBBridge service: what a client calls that runs its own frontend. Calls name their build in their metadata. */
export function gatewayService(deps: EngineDeps): readonly Route[] {
  return gatewayRoutes(async ({ requestHeaders, path, signal }) => {
    const method = path.slice(path.lastIndexOf("/") + 1);
    return await deps.gateways.find(requestHeaders.get("buildkit-controlapi-buildid") ?? undefined, method, { signal });
  }, deps);
}

/** The LLBBridge service, for whoever runs a frontend. @param find the build that a call is about */
export function gatewayRoutes(
  find: (call: HandlerContext) => Promise<GatewayBuild>,
  deps: EngineDeps,
): readonly Route[] {
  return service(gateway.LLBBridge, {
    ping: async (_, context) => {
      await find(context);
      const workers = await workerRecords(deps);
      return {
        FrontendAPICaps: gatewayCapabilities.map(enabled),
        LLBCaps: engineCapabilities.map(enabled),
        Workers: workers.map(({ ID, Labels, platforms }) => ({ ID, Labels, platforms })),
      };
    },
    solve: async (request, context) => await answerSolve(await find(context), request),
    resolveImageConfig: async (request, context) => {
      const { Ref: name, Platform: platform, LogName: logName, ResolveMode: mode } = request;
      const layout = request.ResolverType === 1 ? { sessionId: request.SessionID, store: request.StoreID } : undefined;
      const bridge = (await find(context)).bridgeWith(request.SourcePolicies);
      const asked = { name, platform, logName, mode, layout };
      const { ref, digest, config } = await resolveImage(bridge, asked, context.signal);
      return { Ref: ref, Digest: digest ?? "", Config: config as Uint8Array<ArrayBuffer> };
    },
    resolveSourceMeta: async (request, context) => {
      const bridge = (await find(context)).bridgeWith(request.SourcePolicies);
      return await resolveSourceMeta(bridge, request, context.signal);
    },
    readFile: async (request, context) => {
      const build = await find(context);
      const Data = await build.explaining(async () => await readRefFile(build.ref(request.Ref), request, context));
      return { Data };
    },
    readDir: async (request, context) => {
      const build = await find(context);
      return {
        entries: await build.explaining(async () => await readRefDirectory(build.ref(request.Ref), request, context)),
      };
    },
    statFile: async (request, context) => {
      const build = await find(context);
      return { stat: await build.explaining(async () => await statRefFile(build.ref(request.Ref), request, context)) };
    },
    evaluate: async ({ Ref }, context) => {
      const build = await find(context);
      await build.explaining(async () => await build.ref(Ref).build());
      return {};
    },
    newContainer: async (request, context) => {
      await (await find(context)).containers.create(request);
      return {};
    },
    releaseContainer: async ({ ContainerID }, context) => {
      await (await find(context)).containers.release(ContainerID);
      return {};
    },
    async *execProcess(requests, context) {
      const { containers } = await find(context);
      yield* execProcesses(requests, containers, { signal: context.signal });
    },
    readFileContainer: async (request, context) => ({
      Data: await readContainerFile(await containerOf(await find(context), request), request),
    }),
    readDirContainer: async (request, context) => ({
      entries: readContainerDirectory(await containerOf(await find(context), request), request),
    }),
    statFileContainer: async (request, context) => ({
      stat: statContainerFile(await containerOf(await find(context), request), request),
    }),
    return: async (request, context) => {
      (await find(context)).return(request);
      return {};
    },
    inputs: async (_, context) => ({ Definitions: { ...(await find(context)).inputs } }),
    warn: async (request, context) => {
      warn(await find(context), request);
      return {};
    },
  });
}

async function answerSolve(
  build: GatewayBuild,
  request: gateway.SolveRequest,
): Promise<MessageInitShape<typeof gateway.SolveResponseSchema>> {
  const result = await build.solve(request);
  if (result.result?.case === "refs" && !request.allowResultReturn) {
    throw new BuildError("unknown", "solve did not return default result");
  }
  const only = result.result?.case === "ref" ? (result.result.value.id ?? "") : "";
  if (request.Final) build.returnFinal(only, result.metadata ?? {}, request.ExporterAttr);
  return {
    result: request.allowResultArrayRef ? result : asIds(result),
    ...(!request.allowResultReturn && { ref: only }),
  };
}

/** The container that a question about files is about. @throws {BuildError} `not_found` */
async function containerOf(build: GatewayBuild, { Ref, MountIndex }: { Ref: string; MountIndex: number }) {
  try {
    return await build.containers.find(Ref);
  } catch (cause) {
    if (isAbort(cause)) throw cause;
    throw new BuildError("not_found", `container details for ${Ref}@${MountIndex} not found`, { cause });
  }
}

function warn(
  build: GatewayBuild,
  { digest, level, short, detail, url, info, ranges }: Omit<gateway.WarnRequest, "$typeName">,
): void {
  const lines = detail.reduce((sum, line) => sum + line.byteLength, 0);
  build.keep(short.byteLength + lines + url.length + (info?.data.byteLength ?? 0) + keptRangeBytes * ranges.length);
  const text = new TextDecoder();
  const source = info && { filename: info.filename, text: text.decode(info.data), language: info.language };
  build.build.job.progressOf(digest as Digest).warn({
    level: Number(level) || 1,
    short: text.decode(short),
    detail: detail.map((line) => text.decode(line)),
    ...(url ? { url } : {}),
    ...(source && { source }),
    ranges: ranges.map(({ start = none, end = start }) => ({ filename: "", ...source, start, end })),
  });
}

/** What one range of a warning takes. */
const keptRangeBytes = 200;

const none = { line: 0, character: 0 };

/** A result for clients from before results said what they are made of. */
function asIds(result: MessageInitShape<typeof gateway.ResultSchema>): MessageInitShape<typeof gateway.ResultSchema> {
  const { result: made } = result;
  if (made?.case === "ref") return { ...result, result: { case: "refDeprecated", value: made.value.id ?? "" } };
  if (made?.case !== "refs") return result;
  const refs = Object.fromEntries(Object.entries(made.value.refs ?? {}).map(([key, { id }]) => [key, id ?? ""]));
  return { ...result, result: { case: "refsDeprecated", value: { refs } } };
}

function enabled(ID: string): MessageInitShape<typeof apicaps.APICapSchema> {
  return { ID, Enabled: true };
}

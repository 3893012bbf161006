import type { MessageInitShape } from "../../../base/protobuf/mod.ts";
import { type apicaps, gateway } from "../../../api/mod.ts";
import { BuildError } from "../../../base/errors/mod.ts";
import { createPatternMatcher } from "../../../base/text/patterns/mod.ts";
import { encodeStat } from "../../../filesync/mod.ts";
import { type HandlerContext, type Route, service } from "../../../rpc/mod.ts";
import type { TocEntry } from "../../snapshots/mod.ts";
import type { EngineDeps } from "../deps.ts";
import { resolveImage, resolveSourceMeta } from "../source-meta.ts";
import { workerRecords } from "../worker-records.ts";
import { engineCapabilities, gatewayCapabilities } from "./capabilities.ts";
import { execProcesses, readContainerDirectory, readContainerFile, statContainerFile } from "./containers/mod.ts";
import type { GatewayBuild } from "./gateway-build.ts";

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
    ping: async () => ({
      FrontendAPICaps: gatewayCapabilities.map(enabled),
      LLBCaps: engineCapabilities.map(enabled),
      Workers: await workerRecords(deps),
    }),
    solve: async (request, context) => {
      const result = await (await find(context)).solve(request);
      if (request.allowResultReturn) return { result: request.allowResultArrayRef ? result : asIds(result) };
      const only = result.result;
      if (only?.case === "ref") return { ref: only.value.id ?? "" };
      throw new BuildError("unknown", "solve did not return default result");
    },
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
    readFile: async ({ Ref, FilePath, Range }, context) => {
      const bytes = await (await find(context)).ref(Ref).readFile(FilePath, { signal: context.signal });
      const from = Number(Range?.Offset ?? 0n);
      const to = Range && Range.Length > 0n ? from + Number(Range.Length) : undefined;
      return { Data: bytes.subarray(from, to) as Uint8Array<ArrayBuffer> };
    },
    readDir: async ({ Ref, DirPath, IncludePattern }, context) => {
      const included = IncludePattern === "" ? undefined : createPatternMatcher([IncludePattern]);
      const entries = await (await find(context)).ref(Ref).entries(DirPath, { signal: context.signal });
      const named = entries.map((entry) => [entry, entry.path.slice(entry.path.lastIndexOf("/") + 1)] as const);
      const wanted = named.filter(([, name]) => included?.matches(name) ?? true);
      return { entries: wanted.map(([entry, name]) => statMessage(entry, name)) };
    },
    statFile: async ({ Ref, Path }, context) => {
      const entry = await (await find(context)).ref(Ref).entry(Path, { signal: context.signal });
      if (!entry) throw new BuildError("not_found", `lstat ${Path}: no such file or directory`);
      return { stat: statMessage(entry, Path.replace(/^\/+/, "")) };
    },
    evaluate: async ({ Ref }, context) => {
      await (await find(context)).ref(Ref).build();
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
      Data: await readContainerFile(await (await find(context)).containers.find(request.Ref), request),
    }),
    readDirContainer: async (request, context) => ({
      entries: readContainerDirectory(await (await find(context)).containers.find(request.Ref), request),
    }),
    statFileContainer: async (request, context) => ({
      stat: statContainerFile(await (await find(context)).containers.find(request.Ref), request),
    }),
    return: async (request, context) => {
      (await find(context)).return(request);
      return {};
    },
    inputs: async (_, context) => ({ Definitions: { ...(await find(context)).inputs } }),
    warn: async ({ digest, level, short, detail, url, info, ranges }, context) => {
      const build = await find(context);
      const text = new TextDecoder();
      build.build.job.progressFor({ digest: digest as never, name: "" }).warn({
        level: Number(level),
        short: text.decode(short),
        detail: detail.map((line) => text.decode(line)),
        ...(url ? { url } : {}),
        ranges: ranges.flatMap(({ start, end }) =>
          start && end
            ? [{ filename: info?.filename ?? "", text: text.decode(info?.data ?? new Uint8Array()), start, end }]
            : [],
        ),
      });
      return {};
    },
  });
}

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

function statMessage(entry: TocEntry, path: string) {
  const { content: _content, digest: _digest, ...stat } = entry;
  return encodeStat({ ...stat, path });
}

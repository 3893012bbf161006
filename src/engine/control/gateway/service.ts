import type { MessageInitShape } from "../../../base/protobuf/mod.ts";
import { type apicaps, gateway, type pb } from "../../../api/mod.ts";
import { BuildError } from "../../../base/errors/mod.ts";
import { encodeStat } from "../../../filesync/mod.ts";
import { decodePlatform } from "../../../llb/mod.ts";
import { parsePlatform } from "../../../oci/mod.ts";
import { type HandlerContext, type Route, service } from "../../../rpc/mod.ts";
import type { TocEntry } from "../../snapshots/mod.ts";
import type { EngineDeps } from "../deps.ts";
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
  const resolveImage = async (
    build: GatewayBuild,
    name: string,
    platform: pb.Platform | undefined,
    logName: string,
    mode: string,
    signal: AbortSignal,
  ) =>
    await build.bridge.resolveImageConfig(name, {
      platform: platform ? decodePlatform(platform) : parsePlatform("linux"),
      resolveMode: mode === "pull" || mode === "local" ? mode : "default",
      logName: logName || `load metadata for ${name}`,
      signal,
    });
  return service(gateway.LLBBridge, {
    ping: async () => ({
      FrontendAPICaps: gatewayCapabilities.map(enabled),
      LLBCaps: engineCapabilities.map(enabled),
      Workers: await workerRecords(deps),
    }),
    solve: async (request, context) => {
      const build = await find(context);
      if (!request.allowResultReturn) {
        throw new BuildError(
          "unimplemented",
          "results as bare ids are not supported by this engine: ask with allowResultReturn",
        );
      }
      return { result: await build.solve(request) };
    },
    resolveImageConfig: async ({ Ref, Platform, LogName, ResolveMode, ResolverType }, context) => {
      if (ResolverType !== 0)
        throw new BuildError("unimplemented", "oci-layout sources are not supported by this engine yet");
      const image = await resolveImage(await find(context), Ref, Platform, LogName, ResolveMode, context.signal);
      return { Ref: image.ref, Digest: image.digest ?? "", Config: image.config as Uint8Array<ArrayBuffer> };
    },
    resolveSourceMeta: async ({ Source, Platform, LogName, ResolveMode }, context) => {
      const build = await find(context);
      const [, name] = /^docker-image:\/\/(.*)$/.exec(Source?.identifier ?? "") ?? [];
      if (!Source || name === undefined) {
        throw new BuildError(
          "unimplemented",
          `cannot resolve ${Source?.identifier ?? "an empty source"}: only docker-image sources are supported by this engine yet`,
        );
      }
      const image = await resolveImage(build, name, Platform, LogName, ResolveMode, context.signal);
      return { Source, Image: { Digest: image.digest ?? "", Config: image.config as Uint8Array<ArrayBuffer> } };
    },
    readFile: async ({ Ref, FilePath, Range }, context) => {
      const bytes = await (await find(context)).ref(Ref).readFile(FilePath, { signal: context.signal });
      const from = Number(Range?.Offset ?? 0n);
      const to = Range && Range.Length > 0n ? from + Number(Range.Length) : undefined;
      return { Data: bytes.subarray(from, to) as Uint8Array<ArrayBuffer> };
    },
    readDir: async ({ Ref, DirPath, IncludePattern }, context) => {
      if (IncludePattern !== "")
        throw new BuildError("unimplemented", "ReadDir with a pattern is not supported by this engine yet");
      const entries = await (await find(context)).ref(Ref).entries(DirPath, { signal: context.signal });
      return { entries: entries.map((entry) => statMessage(entry, entry.path.slice(entry.path.lastIndexOf("/") + 1))) };
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

function enabled(ID: string): MessageInitShape<typeof apicaps.APICapSchema> {
  return { ID, Enabled: true };
}

function statMessage(entry: TocEntry, path: string) {
  const { content: _content, digest: _digest, ...stat } = entry;
  return encodeStat({ ...stat, path });
}

import { type MessageInitShape, timestampFromDate } from "../../../base/protobuf/mod.ts";
import { type apicaps, gateway, type pb } from "../../../api/mod.ts";
import { BuildError } from "../../../base/errors/mod.ts";
import { createPatternMatcher } from "../../../base/text/patterns/mod.ts";
import { encodeStat } from "../../../filesync/mod.ts";
import { decodePlatform } from "../../../llb/mod.ts";
import { parsePlatform } from "../../../oci/mod.ts";
import { type HandlerContext, type Route, service } from "../../../rpc/mod.ts";
import type { TocEntry } from "../../snapshots/mod.ts";
import type { EngineDeps } from "../deps.ts";
import type { Policies } from "../policies.ts";
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
  const resolveImage = async (build: GatewayBuild, asked: AskedImage, signal: AbortSignal) => {
    const { name, platform, logName, mode, layout, policies } = asked;
    const { ref, digest, config } = await build.bridgeWith(policies).resolveImageConfig(name, {
      platform: platform ? decodePlatform(platform) : parsePlatform("linux"),
      resolveMode: mode === "pull" || mode === "local" ? mode : "default",
      logName: logName || `load metadata for ${name}`,
      ...(layout ? { layout } : {}),
      signal,
    });
    return { ref, digest: digest ?? "", config: config as Uint8Array<ArrayBuffer> };
  };
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
      const asked = { name, platform, logName, mode, layout, policies: request.SourcePolicies };
      const { ref, digest, config } = await resolveImage(await find(context), asked, context.signal);
      return { Ref: ref, Digest: digest, Config: config };
    },
    resolveSourceMeta: async (request, context) => {
      const { Source, Platform: platform, LogName: logName, ResolveMode: mode, SourcePolicies: policies } = request;
      const build = await find(context);
      const [, scheme, name] = /^(docker-image|oci-layout):\/\/(.*)$/.exec(Source?.identifier ?? "") ?? [];
      if (!Source) throw new BuildError("invalid_argument", "there is no source to resolve");
      if (scheme === undefined || name === undefined) return await factsOf(build, request, Source, context.signal);
      const { attrs } = Source;
      const layout =
        scheme === "oci-layout"
          ? { sessionId: attrs["oci.session"] ?? "", store: attrs["oci.store"] ?? "" }
          : undefined;
      const asked = { name, platform, logName, mode, layout, policies };
      const { ref, digest, config } = await resolveImage(build, asked, context.signal);
      return { Source: { ...Source, identifier: `${scheme}://${ref}` }, Image: { Digest: digest, Config: config } };
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

/** What is at a repository or an address now. @throws {BuildError} `unimplemented` for sources that cannot be asked */
async function factsOf(
  build: GatewayBuild,
  { LogName, Git, SourcePolicies }: gateway.ResolveSourceMetaRequest,
  asked: pb.SourceOp,
  signal: AbortSignal,
): Promise<MessageInitShape<typeof gateway.ResolveSourceMetaResponseSchema>> {
  const bridge = build.bridgeWith(SourcePolicies);
  const Source = bridge.allowed(asked);
  const facts = await bridge.sourceFacts(Source, { logName: LogName || `resolve ${Source.identifier}`, signal });
  if (!facts || Git?.ReturnObject) {
    const what = facts ? "objects of a repository" : Source.identifier;
    throw new BuildError("unimplemented", `cannot resolve ${what}: not supported by this engine yet`);
  }
  if (facts.type === "git") {
    const { object, commit, ref } = facts;
    return { Source, Git: { Checksum: object, Ref: ref, CommitChecksum: object === commit ? "" : commit } };
  }
  const { digest, filename, lastModifiedSec } = facts;
  const LastModified = lastModifiedSec === undefined ? undefined : timestampFromDate(new Date(lastModifiedSec * 1000));
  return { Source, HTTP: { Checksum: digest, Filename: filename, ...(LastModified && { LastModified }) } };
}

/** What a client asks about an image. */
interface AskedImage {
  readonly name: string;
  readonly platform: pb.Platform | undefined;
  readonly logName: string;
  readonly mode: string;
  readonly layout: { readonly sessionId: string; readonly store: string } | undefined;
  /** Rules about sources that count for this question. */
  readonly policies: Policies;
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

import { create, timestampFromDate } from "../../base/protobuf/mod.ts";
import { gateway, type pb } from "../../api/mod.ts";
import { BuildError } from "../../base/errors/mod.ts";
import { decodePlatform } from "../../llb/mod.ts";
import { parsePlatform } from "../../oci/mod.ts";
import type { ResolvedImageConfig } from "../frontends/mod.ts";
import { buildFailure } from "./build-failure.ts";
import type { FrontendBridge } from "./frontend-bridge.ts";

/** What a client asks about an image. */
export interface AskedImage {
  readonly name: string;
  readonly platform: pb.Platform | undefined;
  readonly logName: string;
  readonly mode: string;
  readonly layout: { readonly sessionId: string; readonly store: string } | undefined;
}

/** Finds an image's digest and config. */
export async function resolveImage(
  bridge: FrontendBridge,
  { name, platform, logName, mode, layout }: AskedImage,
  signal: AbortSignal,
): Promise<ResolvedImageConfig> {
  const asked = bridge.resolveImageConfig(name, {
    platform: platform ? decodePlatform(platform) : parsePlatform("linux"),
    resolveMode: mode === "pull" || mode === "local" ? mode : "default",
    logName: logName || `load metadata for ${name}`,
    ...(layout ? { layout } : {}),
    signal,
  });
  return await asked.catch((error: unknown) => {
    throw buildFailure(error);
  });
}

/** What is at a source now, before a build uses it. As far as sources of its kind can tell. @throws {BuildError} */
export async function resolveSourceMeta(
  bridge: FrontendBridge,
  request: gateway.ResolveSourceMetaRequest,
  signal: AbortSignal,
): Promise<gateway.ResolveSourceMetaResponse> {
  const { Source, Platform: platform, LogName: logName, ResolveMode: mode } = request;
  if (!Source) throw new BuildError("invalid_argument", "source is required");
  const [, scheme, name] = /^(docker-image|oci-layout):\/\/(.*)$/.exec(Source.identifier) ?? [];
  if (scheme === undefined || name === undefined) return await factsOf(bridge, request, Source, signal);
  const { attrs } = Source;
  const layout =
    scheme === "oci-layout" ? { sessionId: attrs["oci.session"] ?? "", store: attrs["oci.store"] ?? "" } : undefined;
  if (request.Image?.AttestationChain || (request.Image?.ResolveAttestations.length ?? 0) > 0) {
    throw new BuildError("unimplemented", `cannot resolve attestations of ${name}: not supported by this engine yet`);
  }
  const { ref, digest, config } = await resolveImage(bridge, { name, platform, logName, mode, layout }, signal);
  return create(gateway.ResolveSourceMetaResponseSchema, {
    Source: { ...Source, identifier: `${scheme}://${ref}` },
    Image: { Digest: digest ?? "", ...(!request.Image?.NoConfig && { Config: config as Uint8Array<ArrayBuffer> }) },
  });
}

/** What is at a repository or an address now. */
async function factsOf(
  bridge: FrontendBridge,
  { LogName, Git, HTTP }: gateway.ResolveSourceMetaRequest,
  asked: pb.SourceOp,
  signal: AbortSignal,
): Promise<gateway.ResolveSourceMetaResponse> {
  const Source = await bridge.allowed(asked, { signal });
  const logName = LogName || `resolve ${Source.identifier}`;
  const facts = await bridge.sourceFacts(Source, { logName, signal }).catch((error: unknown) => {
    throw buildFailure(error);
  });
  if (!facts) return create(gateway.ResolveSourceMetaResponseSchema, { Source });
  if (Git?.ReturnObject || HTTP?.ChecksumRequest) {
    const what = Git?.ReturnObject ? "objects of a repository" : "checksums of other kinds";
    throw new BuildError("unimplemented", `cannot resolve ${what}: not supported by this engine yet`);
  }
  if (facts.type === "git") {
    const { object, commit, ref } = facts;
    const CommitChecksum = object === commit ? "" : commit;
    return create(gateway.ResolveSourceMetaResponseSchema, {
      Source,
      Git: { Checksum: object, Ref: ref, CommitChecksum },
    });
  }
  const { digest, filename, lastModifiedSec } = facts;
  const LastModified = lastModifiedSec === undefined ? undefined : timestampFromDate(new Date(lastModifiedSec * 1000));
  return create(gateway.ResolveSourceMetaResponseSchema, {
    Source,
    HTTP: { Checksum: digest, Filename: filename, ...(LastModified && { LastModified }) },
  });
}

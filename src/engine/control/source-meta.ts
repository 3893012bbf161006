import { create, type MessageInitShape, timestampFromDate } from "../../base/protobuf/mod.ts";
import { gateway, type pb } from "../../api/mod.ts";
import { BuildError } from "../../base/errors/mod.ts";
import { decodePlatform } from "../../llb/mod.ts";
import { parsePlatform } from "../../oci/mod.ts";
import type { ResolvedImageConfig } from "../frontends/mod.ts";
import type { AskedFacts, SourceFacts } from "../ops/mod.ts";
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
    platform: platformOf(platform),
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
  const { ref, digest, config } = await resolveImage(bridge, { name, platform, logName, mode, layout }, signal);
  // Layouts of a client tell none.
  const chain = layout ? undefined : await attestationsOf(bridge, ref, request, signal);
  return create(gateway.ResolveSourceMetaResponseSchema, {
    Source: { ...Source, identifier: `${scheme}://${ref}` },
    Image: {
      Digest: digest ?? "",
      ...(!request.Image?.NoConfig && { Config: config as Uint8Array<ArrayBuffer> }),
      ...(chain && { AttestationChain: chain }),
    },
  });
}

/** What is said of an image, where that was asked for. */
async function attestationsOf(
  bridge: FrontendBridge,
  ref: string,
  { Image, Platform }: gateway.ResolveSourceMetaRequest,
  signal: AbortSignal,
): Promise<MessageInitShape<typeof gateway.AttestationChainSchema> | undefined> {
  const { AttestationChain: wanted = false, ResolveAttestations: predicateTypes = [] } = Image ?? {};
  if (!wanted && predicateTypes.length === 0) return undefined;
  const platform = platformOf(Platform);
  const chain = await bridge.attestations(ref, { platform, predicateTypes, signal }).catch((error: unknown) => {
    throw buildFailure(error);
  });
  if (!chain) return undefined;
  const { root, image, attestation = "", signatures, blobs } = chain;
  const told = blobs.map(({ descriptor, bytes }) => {
    const { mediaType, digest, size, annotations = {} } = descriptor;
    const data = bytes as Uint8Array<ArrayBuffer>;
    return [
      digest,
      { descriptor: { mediaType, digest, size: BigInt(size), annotations: { ...annotations } }, data },
    ] as const;
  });
  return {
    Root: root,
    ImageManifest: image,
    AttestationManifest: attestation,
    SignatureManifests: [...signatures],
    Blobs: Object.fromEntries(told),
  };
}

const platformOf = (platform: pb.Platform | undefined) =>
  platform ? decodePlatform(platform) : parsePlatform("linux");

/** More than anybody needs to sign with a file. */
const maxSuffixBytes = 4096;
const { SHA256, SHA384, SHA512 } = gateway.ChecksumRequest_ChecksumAlgo;
const algorithms: Readonly<Record<number, "sha256" | "sha384" | "sha512">> = {
  [SHA256]: "sha256",
  [SHA384]: "sha384",
  [SHA512]: "sha512",
};

/** What a client asks besides. @throws {BuildError} `invalid_argument` */
function askedFacts({ Git, HTTP }: gateway.ResolveSourceMetaRequest): AskedFacts {
  const objects = Git?.ReturnObject ?? false;
  const asked = HTTP?.ChecksumRequest;
  if (!asked) return { objects };
  const { Algo, Suffix: suffix } = asked;
  if (suffix.byteLength > maxSuffixBytes) {
    const message = `http checksum request suffix exceeds max size ${maxSuffixBytes}`;
    throw new BuildError("invalid_argument", message);
  }
  const algorithm = algorithms[Algo];
  if (!algorithm) throw new BuildError("invalid_argument", `unsupported checksum algorithm ${Algo}`);
  return { objects, checksum: { algorithm, suffix } };
}

/** What is at a repository or an address now. */
async function factsOf(
  bridge: FrontendBridge,
  request: gateway.ResolveSourceMetaRequest,
  asked: pb.SourceOp,
  signal: AbortSignal,
): Promise<gateway.ResolveSourceMetaResponse> {
  const Source = await bridge.allowed(asked, { signal });
  const logName = request.LogName || `resolve ${Source.identifier}`;
  const facts = await factsFrom(bridge, Source, { logName, request, signal });
  if (!facts) return create(gateway.ResolveSourceMetaResponseSchema, { Source });
  if (facts.type === "git") {
    const { object, commit, ref, objects } = facts;
    const CommitChecksum = object === commit ? "" : commit;
    return create(gateway.ResolveSourceMetaResponseSchema, {
      Source,
      Git: {
        Checksum: object,
        Ref: ref,
        CommitChecksum,
        ...(objects && { CommitObject: objects.commit }),
        ...(objects?.tag && { TagObject: objects.tag }),
      },
    });
  }
  const { digest, filename, lastModifiedSec, checksum } = facts;
  const LastModified = lastModifiedSec === undefined ? undefined : timestampFromDate(new Date(lastModifiedSec * 1000));
  return create(gateway.ResolveSourceMetaResponseSchema, {
    Source,
    HTTP: {
      Checksum: digest,
      Filename: filename,
      ...(LastModified && { LastModified }),
      ...(checksum !== undefined && {
        ChecksumResponse: { Digest: checksum, Suffix: request.HTTP?.ChecksumRequest?.Suffix ?? new Uint8Array() },
      }),
    },
  });
}

async function factsFrom(
  bridge: FrontendBridge,
  source: pb.SourceOp,
  {
    logName,
    request,
    signal,
  }: {
    readonly logName: string;
    readonly request: gateway.ResolveSourceMetaRequest;
    readonly signal: AbortSignal;
  },
): Promise<SourceFacts | undefined> {
  try {
    return await bridge.sourceFacts(source, { logName, asked: askedFacts(request), signal });
  } catch (error) {
    throw buildFailure(error);
  }
}

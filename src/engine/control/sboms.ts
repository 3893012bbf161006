import { marshal, scratch, type State, stateOfDefinition } from "../../llb/mod.ts";
import { decodeImageConfig, formatReference, parseReference, type Platform, withDigest } from "../../oci/mod.ts";
import {
  askedAttestations,
  type Attestation,
  type Attestations,
  sbomAttestation,
  type SbomRequest,
  sbomRequest,
  type ScannerImage,
  scannerRun,
  spdxPredicate,
} from "../attestations/mod.ts";
import type { FrontendResultRef, ImageResolveMode } from "../frontends/mod.ts";
import type { Build, BuildResult } from "./build.ts";
import { FrontendBridge } from "./frontend-bridge.ts";
import type { Policies } from "./policies.ts";

/** A result whose contents are to be listed. */
export type ScannedRef = Pick<FrontendResultRef, "id" | "definition" | "scan">;

/** Who lists them, and how. */
export interface ScanOptions {
  readonly request: SbomRequest;
  /** What the scanner's image is for. */
  readonly platform: Platform;
  readonly resolveMode: ImageResolveMode;
  /** Nothing is answered from the cache. */
  readonly ignoreCache?: boolean;
  readonly bridge: FrontendBridge;
  readonly policies?: Policies;
  readonly signal: AbortSignal;
}

/**
 * Says of each result what is in it. The scanner's image is looked up now; it runs when somebody looks into what it has written.
 * @throws {BuildError} when there is no such image, or it has nothing to run
 */
export async function listContents(
  build: Build,
  refs: readonly ScannedRef[],
  options: ScanOptions,
): Promise<Attestations> {
  const { request, policies = [], ignoreCache = false } = options;
  if (refs.length === 0) return new Map();
  const scanner = await findScanner(options);
  const listed = refs.map(async ({ id, definition, scan }): Promise<[string, readonly Attestation[]]> => {
    const extras = new Map([...(scan?.extras ?? [])].map(([name, tree]) => [name, stateOf(tree)]));
    const statements = scannerRun(
      scanner,
      { core: stateOf(definition), extras },
      { title: id, parameters: request.parameters, ignoreCache: ignoreCache || scan?.ignoreCache === true },
    );
    return [id, [sbomAttestation(await build.add(marshal(statements), policies))]];
  });
  return new Map(await Promise.all(listed));
}

/**
 * As {@link listContents}, for a result of which nobody has said yet what is in it: of a frontend that does not, of a client's own, of a plain graph.
 * Results that are empty are left alone.
 * @param attributes of the request
 */
export async function withContentsListed(
  build: Build,
  result: BuildResult,
  options: { readonly attributes: Readonly<Record<string, string>>; readonly signal: AbortSignal },
): Promise<BuildResult> {
  const { attributes, signal } = options;
  const request = sbomRequest(askedAttestations(attributes));
  if (!request || hasContentsListed(result)) return result;
  const { platform } = build.deps.worker.ops;
  const added = await listContents(
    build,
    result.refs.flatMap(({ id, result: { definition } }) => (definition ? [{ id, definition }] : [])),
    {
      request,
      platform,
      resolveMode: resolveModeOf(attributes),
      ignoreCache: attributes["no-cache"] === "",
      bridge: new FrontendBridge(build, { attributes: {}, inputs: {}, platforms: [platform] }),
      signal,
    },
  );
  const attestations = new Map(result.attestations);
  for (const [id, list] of added) attestations.set(id, [...(attestations.get(id) ?? []), ...list]);
  return { ...result, attestations };
}

/** How a request wants images to be looked up. */
export function resolveModeOf(attributes: Readonly<Record<string, string>>): ImageResolveMode {
  const mode = attributes["image-resolve-mode"];
  return mode === "pull" || mode === "local" ? mode : "default";
}

/** Whether it is said already what is in some result. */
function hasContentsListed({ attestations }: BuildResult): boolean {
  return [...attestations.values()].flat().some(({ predicateType }) => predicateType === spdxPredicate);
}

async function findScanner({ request, platform, resolveMode, bridge, signal }: ScanOptions): Promise<ScannerImage> {
  const name = request.generator ?? defaultGenerator;
  const logName = `resolve image config for docker-image://${name}`;
  const { ref, digest, config } = await bridge.resolveImageConfig(name, { platform, resolveMode, logName, signal });
  const pinned = digest ? formatReference(withDigest(parseReference(ref), digest)) : ref;
  return { name: ref, pinned, platform, config: decodeImageConfig(config) };
}

const defaultGenerator = "docker.io/docker/buildkit-syft-scanner:stable-1";

const stateOf = (definition: FrontendResultRef["definition"]): State =>
  definition ? stateOfDefinition(definition) : scratch;

import {
  askedAttestations,
  type Attestations,
  sbomAttestation,
  sbomRequest,
  spdxPredicate,
} from "../../attestations/mod.ts";
import type { ImageResolveMode } from "../../frontends/mod.ts";
import type { Build, BuildResult } from "../build.ts";
import { FrontendBridge } from "../frontend-bridge.ts";
import { builtinScans } from "./builtin-scan.ts";
import { imageScans } from "./image-scan.ts";
import type { ScannedRef, ScanOptions } from "./scan-options.ts";

/**
 * Says of each result what is in it, unless somebody has: nobody looks before somebody wants to know.
 * @returns that, and what was said before
 * @throws {BuildError} when the scanner is an image, and that is not to be had or has nothing to run
 */
export async function listContents(
  build: Build,
  refs: readonly ScannedRef[],
  options: ScanOptions,
): Promise<Attestations> {
  const { request, said } = options;
  if (refs.length === 0 || hasContentsListed(said)) return said;
  const { generator } = request;
  const statements =
    generator === undefined
      ? await builtinScans(build, refs, options)
      : await imageScans(build, refs, generator, options);
  const all = new Map(said);
  for (const [at, { id }] of refs.entries()) {
    const files = statements[at];
    if (files) all.set(id, [...(all.get(id) ?? []), sbomAttestation(files)]);
  }
  return all;
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
  if (!request) return result;
  const { platform } = build.deps.worker.ops;
  const attestations = await listContents(
    build,
    result.refs.flatMap(({ id, result: { definition } }) => (definition ? [{ id, definition }] : [])),
    {
      said: result.attestations,
      request,
      platform,
      resolveMode: resolveModeOf(attributes),
      ignoreCache: attributes["no-cache"] === "",
      bridge: new FrontendBridge(build, { attributes: {}, inputs: {}, platforms: [platform], scope: undefined }),
      epochOf: epochsOf(result.metadata, attributes),
      signal,
    },
  );
  return { ...result, attestations };
}

/** How a request wants images to be looked up. */
export function resolveModeOf(attributes: Readonly<Record<string, string>>): ImageResolveMode {
  const mode = attributes["image-resolve-mode"];
  return mode === "pull" || mode === "local" ? mode : "default";
}

/** `SOURCE_DATE_EPOCH` of results: what the frontend says it means, else what the request says. */
export function epochsOf(
  metadata: BuildResult["metadata"],
  attributes: Readonly<Record<string, string>>,
): ScanOptions["epochOf"] {
  return (id) => {
    const told = metadata[`source.date.epoch/${id}`] ?? metadata["source.date.epoch"];
    const text = told ? Buffer.from(told).toString() : attributes["build-arg:SOURCE_DATE_EPOCH"];
    return text !== undefined && /^\d{1,11}$/.test(text) ? Number(text) : undefined;
  };
}

/** Whether it is said already what is in some result. */
function hasContentsListed(said: Attestations): boolean {
  return [...said.values()].flat().some(({ predicateType }) => predicateType === spdxPredicate);
}

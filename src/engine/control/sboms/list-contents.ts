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
 * Says of each result what is in it: nobody looks before somebody wants to know.
 * @throws {BuildError} when the scanner is an image, and that is not to be had or has nothing to run
 */
export async function listContents(
  build: Build,
  refs: readonly ScannedRef[],
  options: ScanOptions,
): Promise<Attestations> {
  if (refs.length === 0) return new Map();
  const { generator } = options.request;
  const statements =
    generator === undefined
      ? await builtinScans(build, refs, options)
      : await imageScans(build, refs, generator, options);
  return new Map(
    refs.flatMap(({ id }, at) => {
      const files = statements[at];
      return files ? [[id, [sbomAttestation(files)]] as const] : [];
    }),
  );
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
      epochOf: epochsOf(result.metadata, attributes),
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
function hasContentsListed({ attestations }: BuildResult): boolean {
  return [...attestations.values()].flat().some(({ predicateType }) => predicateType === spdxPredicate);
}

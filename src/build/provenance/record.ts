import { BuildError } from "../../base/errors/mod.ts";
import type { BuildKitClient, HistoryRecord } from "../../client/mod.ts";
import { type ProvenanceMode, toldProvenance } from "./slsa.ts";

/** More than that is not worth a place in a file of metadata. */
const maxBytes = 64 * 1024 * 1024;

/**
 * The provenance that an engine has recorded of a build, as entries of a metadata file: JSON in base64, by `buildx.build.provenance`, for builds
 * of several platforms with `/PLATFORM` behind it. None where the engine records none.
 * @throws {BuildError} when there is one and it cannot be read
 */
export async function recordedProvenance(
  client: BuildKitClient,
  ref: string,
  { mode, signal }: { readonly mode: Exclude<ProvenanceMode, "disabled">; readonly signal: AbortSignal },
): Promise<Readonly<Record<string, string>>> {
  const [record] = await client.history({ ref }, { signal }).catch((error: unknown) => {
    if (error instanceof BuildError && error.code === "unimplemented") return []; // from before engines had a history
    throw error;
  });
  const told: Record<string, string> = {};
  for (const [key, result] of resultsOf(record)) {
    const found = result.Attestations.flatMap(({ digest, mediaType, annotations }) => {
      const type = annotations["in-toto.io/predicate-type"] ?? "";
      const isOne = mediaType === "application/vnd.in-toto+json" && type.startsWith("https://slsa.dev/provenance/");
      return isOne ? [{ digest, type }] : [];
    })[0];
    if (!found) continue;
    const predicate = JSON.parse(await text(client, found.digest, signal)) as Readonly<Record<string, unknown>>;
    told[key] = Buffer.from(JSON.stringify(toldProvenance(predicate, found.type, mode))).toString("base64");
  }
  return told;
}

type Result = NonNullable<HistoryRecord["Result"]>;

function resultsOf(record: HistoryRecord | undefined): readonly (readonly [key: string, result: Result])[] {
  const key = "buildx.build.provenance";
  const several = Object.entries(record?.Results ?? {});
  if (several.length > 0) return several.map(([platform, result]) => [`${key}/${platform}`, result] as const);
  return record?.Result ? [[key, record.Result]] : [];
}

async function text(client: BuildKitClient, digest: string, signal: AbortSignal): Promise<string> {
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const part of client.readBlob(digest, { signal })) {
    size += part.length;
    if (size > maxBytes) throw new BuildError("resource_exhausted", "failed to load provenance blob from build record");
    parts.push(part);
  }
  return Buffer.concat(parts).toString("utf8");
}

/** A part of a predicate: JSON, of which only known names are looked at. */
type Json = Readonly<Record<string, unknown>>;

/** How much of a build's provenance to tell: `min` leaves out what the build did, step by step, and when. */
export type ProvenanceMode = "min" | "max" | "disabled";

/** What `BUILDX_METADATA_PROVENANCE` asks for; `min` unless it says otherwise. */
export function provenanceMode(value: string | undefined): ProvenanceMode {
  if (value === "max" || value === "disabled") return value;
  return /^(?:0|f|false)$/i.test(value ?? "") ? "disabled" : "min";
}

/**
 * A provenance as `--metadata-file` tells it: in the form of SLSA 0.2, whatever the engine has written. Pure.
 * @param predicate as the engine keeps it
 * @param predicateType which of SLSA's forms it has
 */
export function toldProvenance(predicate: Json, predicateType: string, mode: "min" | "max"): Json {
  const told = predicateType === "https://slsa.dev/provenance/v1" ? inOldForm(predicate) : predicate;
  if (mode === "max") return told;
  const { buildConfig: _steps, metadata: _times, ...rest } = told;
  return rest;
}

function inOldForm({ buildDefinition = {}, runDetails = {} }: Json): Json {
  const definition = buildDefinition as Json;
  const { configSource = {}, request = {} } = (definition["externalParameters"] ?? {}) as Json;
  const { uri, digest, path } = configSource as Json;
  const { buildConfig, builderPlatform, ...environment } = (definition["internalParameters"] ?? {}) as Json;
  const { builder = {}, metadata } = runDetails as Json;
  const materials = (definition["resolvedDependencies"] ?? []) as readonly Json[];
  return {
    builder: { id: (builder as Json)["id"] ?? "" },
    buildType: "https://mobyproject.org/buildkit@v1",
    ...(materials.length > 0 ? { materials: materials.map(({ uri, digest }) => defined({ uri, digest })) } : {}),
    invocation: {
      configSource: defined({ uri, digest, entryPoint: path }),
      parameters: request,
      environment: { platform: builderPlatform, ...environment },
    },
    ...(buildConfig === undefined ? {} : { buildConfig }),
    ...(metadata === undefined ? {} : { metadata: oldMetadata(metadata as Json) }),
  };
}

function oldMetadata(metadata: Json): Json {
  const { request = false, resolvedDependencies = false } = (metadata["buildkit_completeness"] ?? {}) as Json;
  return defined({
    buildInvocationID: metadata["invocationId"],
    buildStartedOn: metadata["startedOn"],
    buildFinishedOn: metadata["finishedOn"],
    completeness: { parameters: request, environment: true, materials: resolvedDependencies },
    reproducible: metadata["buildkit_reproducible"] ?? false,
    "https://mobyproject.org/buildkit@v1#metadata": metadata["buildkit_metadata"] ?? {},
    "https://mobyproject.org/buildkit@v1#hermetic": metadata["buildkit_hermetic"],
  });
}

function defined(json: Json): Json {
  return Object.fromEntries(Object.entries(json).filter(([, value]) => value !== undefined));
}

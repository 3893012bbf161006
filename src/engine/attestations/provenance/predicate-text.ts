import { goJsonText } from "../../../base/text/go-values/mod.ts";
import type { Predicate } from "./predicate.ts";
import type { ProvenanceWishes } from "./wishes.ts";

/** Types of predicates, by the form of SLSA. */
export const predicateTypes = {
  v1: "https://slsa.dev/provenance/v1",
  "v0.2": "https://slsa.dev/provenance/v0.2",
} as const;

/** Values for `goJsonText`. */
type Json = Readonly<Record<string, unknown>>;

/** A predicate as JSON, in one of SLSA's forms. */
export function predicateText(predicate: Predicate, version: ProvenanceWishes["version"]): string {
  return goJsonText(version === "v1" ? inForm1(predicate) : inForm02(predicate), "  ");
}

function inForm1({ buildDefinition, runDetails, environment }: Predicate): Json {
  const { internalParameters, ...rest } = buildDefinition;
  const own = sorted({ ...internalParameters, ...environment });
  return { buildDefinition: { ...rest, internalParameters: own }, runDetails };
}

/** @see https://slsa.dev/spec/v0.2/provenance */
function inForm02({ buildDefinition, runDetails, environment }: Predicate): Json {
  const { resolvedDependencies, externalParameters, internalParameters } = buildDefinition;
  const { configSource, request } = externalParameters;
  const { path, ...where } = configSource;
  const { buildConfig, builderPlatform, dockerfileVersion } = internalParameters;
  const { metadata } = runDetails;
  return {
    builder: runDetails.builder,
    buildType: "https://mobyproject.org/buildkit@v1",
    materials: resolvedDependencies,
    invocation: {
      configSource: { ...where, entryPoint: path },
      parameters: request,
      environment: sorted({ platform: builderPlatform, dockerfileVersion, ...environment }),
    },
    buildConfig,
    metadata: {
      buildInvocationID: metadata.invocationId,
      buildStartedOn: metadata.startedOn,
      buildFinishedOn: metadata.finishedOn,
      completeness: {
        parameters: metadata.buildkit_completeness.request,
        environment: true,
        materials: metadata.buildkit_completeness.resolvedDependencies,
      },
      reproducible: metadata.buildkit_reproducible ?? false,
      "https://mobyproject.org/buildkit@v1#metadata": metadata.buildkit_metadata,
      "https://mobyproject.org/buildkit@v1#hermetic": metadata.buildkit_hermetic,
    },
  };
}

/** With its own keys in order. */
function sorted(json: Json): Json {
  return Object.fromEntries(Object.entries(json).toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

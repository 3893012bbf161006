import type { Capture, NamedAccess } from "./capture.ts";
import { dependenciesOf } from "./dependencies.ts";
import { redacted } from "./redact.ts";
import { type DescribedRequest, minimalRequest, type RequestParameters } from "./request.ts";
import { layersOf, type OutputLayers, sourceOf, type StepGraph, stepsOf } from "./steps.ts";
import type { ProvenanceWishes } from "./wishes.ts";

/** Values for `goJsonText`. */
type Json = Readonly<Record<string, unknown>>;

/** What is known of how a result came about, without its steps. */
export interface KnownProvenance {
  readonly capture: Capture;
  /** What was asked of the frontend that gave the result; of a plain graph little. */
  readonly described: DescribedRequest;
}

/** What a predicate tells of the build besides. */
export interface BuildFacts {
  /** Nobody else's, and not the client's to choose. */
  readonly invocationId: string;
  readonly startedAt: Date;
  readonly finishedAt: Date;
  /** Of the engine's machine, as text. */
  readonly builderPlatform: string;
  /** Of the language that the engine's own frontend understands. */
  readonly dockerfileVersion: string;
  readonly compatibilityVersion: number;
  /** What the engine's owner wants to be told of it. */
  readonly environment: Json;
  /** For `max`; an empty tree has none. */
  readonly steps: StepGraph | undefined;
  /** Layers that are known of steps, for `max`. */
  readonly layers: Iterable<OutputLayers>;
}

/** How a result was made, in terms of SLSA 1 as BuildKit uses them: the other form is made from this one. */
export interface Predicate {
  readonly buildDefinition: {
    readonly buildType: string;
    readonly resolvedDependencies?: readonly Json[];
    readonly externalParameters: { readonly configSource: Json; readonly request: RequestParameters };
    readonly internalParameters: {
      readonly buildConfig?: Json;
      readonly builderPlatform: string;
      readonly dockerfileVersion?: string;
    };
  };
  readonly runDetails: {
    readonly builder: { readonly id: string };
    readonly metadata: {
      readonly invocationId: string;
      readonly startedOn: string;
      readonly finishedOn: string;
      readonly buildkit_metadata: Json;
      readonly buildkit_hermetic?: true;
      readonly buildkit_completeness: { readonly request: boolean; readonly resolvedDependencies: boolean };
      readonly buildkit_reproducible?: true;
    };
  };
  /** Not a part of it: what the owner adds to the internal parameters. */
  readonly environment: Json;
}

/** @see https://slsa.dev/spec/v1.0/provenance and BuildKit's docs/attestations/slsa-definitions.md */
export function predicateOf(
  { capture, described }: KnownProvenance,
  facts: BuildFacts,
  wishes: Pick<ProvenanceWishes, "mode" | "builderId" | "reproducible">,
): Predicate {
  const { vcs, args } = withoutVcs(described.request.args ?? {});
  const whole: RequestParameters = {
    ...described.request,
    args,
    secrets: capture.secrets.map(accessJson),
    ssh: capture.ssh.map(accessJson),
    locals: capture.locals.map((name) => ({ name })),
  };
  const { request, isLess } = wishes.mode === "min" ? minimalRequest(whole) : { request: whole, isLess: false };
  const isComplete = !capture.isIncomplete && capture.locals.length === 0;
  const isHermetic = isComplete && !capture.hasNetwork;
  const steps = wishes.mode === "max" ? facts.steps && stepsOf(facts.steps) : undefined;
  const source = steps && facts.steps && sourceOf(facts.steps.definition, steps);
  const layers = steps && layersOf(facts.layers, steps);
  const dependencies = dependenciesOf(capture);
  return {
    buildDefinition: {
      buildType: "https://github.com/moby/buildkit/blob/master/docs/attestations/slsa-definitions.md",
      ...(dependencies.length > 0 && { resolvedDependencies: dependencies.map((dependency) => ({ ...dependency })) }),
      externalParameters: {
        configSource: { ...described.configSource },
        request: inOrder({ ...request, compatibilityVersion: facts.compatibilityVersion }),
      },
      internalParameters: {
        ...(steps && { buildConfig: steps.config }),
        builderPlatform: facts.builderPlatform,
        ...(described.request.frontend === "dockerfile.v0" && { dockerfileVersion: facts.dockerfileVersion }),
      },
    },
    runDetails: {
      builder: { id: wishes.builderId },
      metadata: {
        invocationId: facts.invocationId,
        startedOn: facts.startedAt.toISOString(),
        finishedOn: facts.finishedAt.toISOString(),
        buildkit_metadata: {
          ...(Object.keys(vcs).length > 0 && { vcs }),
          ...(source && { source }),
          ...(layers && { layers }),
        },
        ...(isHermetic && { buildkit_hermetic: true }),
        buildkit_completeness: {
          request: described.request.frontend !== undefined && !isLess,
          resolvedDependencies: isComplete,
        },
        ...(wishes.reproducible && { buildkit_reproducible: true }),
      },
    },
    environment: facts.environment,
  };
}

/** Where the sources stand in a repository of the client is told apart from what the frontend was told. */
function withoutVcs(args: Readonly<Record<string, string>>) {
  const isVcs = ([key]: readonly [string, string]) => key.startsWith("vcs:");
  const all = Object.entries(args);
  const vcs = all.filter((entry) => isVcs(entry) && entry[1] !== "");
  return {
    args: Object.fromEntries(all.filter((entry) => !isVcs(entry))),
    vcs: Object.fromEntries(
      vcs.map(([key, value]) => [key.slice("vcs:".length), key === "vcs:source" ? redacted(value) : value]),
    ),
  };
}

function accessJson({ id, isOptional }: NamedAccess) {
  return { id, ...(isOptional && { optional: true }) };
}

/** Parameters in BuildKit's order; what says nothing is left out. */
function inOrder(request: RequestParameters): RequestParameters {
  const { frontend, args, secrets, ssh, locals, inputs, root, compatibilityVersion } = request;
  const isThere = ([, value]: readonly [string, unknown]) =>
    value !== undefined && !(typeof value === "object" && Object.keys(value as object).length === 0);
  const all = { frontend, args, secrets, ssh, locals, inputs, root, compatibilityVersion };
  return Object.fromEntries(Object.entries(all).filter(isThere));
}

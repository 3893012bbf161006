import { BuildError } from "../base/errors/mod.ts";
import { cacheAttrs } from "./caches/mod.ts";
import type { PlannedOutput } from "./outputs/plan-outputs.ts";
import type { PreparedBuild } from "./prepare-build.ts";
import { defaultProvenance } from "./request/attestations.ts";
import { isResourceAttr } from "./request/resources.ts";

/** What engines can do that not all of them can, by BuildKit's ids. */
type Capability =
  | "cache.gha"
  | "cache.s3"
  | "exec.meta.linux.resources"
  | "exporter.image.annotations"
  | "exporter.image.attestations"
  | "exporter.multiple"
  | "source.policy";

/** A build as a certain engine takes it. */
export interface FittedBuild {
  readonly build: PreparedBuild;
  /** What the engine passes over that was asked for. */
  readonly warnings: readonly string[];
}

/** An engine, as far as a build has to fit it; only asked about what matters to the build. */
export interface EngineToFit {
  /** What it can do, by BuildKit's ids. */
  capabilities(): Promise<ReadonlySet<string>>;
  /** What it calls itself. */
  name(): Promise<string | undefined>;
}

/** Our own engine's name. It says nothing of an image unless asked to: the same sources give the same digest. */
const ours = "polyarch";

/**
 * A build as an engine takes it that has certain capabilities. An engine passes over what it does not know of, so what matters is refused here.
 * @throws {BuildError} `unimplemented` for what the engine cannot do, with docker buildx's words where it has some
 */
export async function fitToEngine(prepared: PreparedBuild, engine: EngineToFit): Promise<FittedBuild> {
  const build = await withoutDefaults(prepared, engine);
  const needs = needsOf(build);
  if (needs.size === 0) return { build, warnings: [] };
  const known = await engine.capabilities().catch((error: unknown) => orElse(error, new Set<string>()));
  const lacks = (capability: Capability) => needs.has(capability) && !known.has(capability);
  const { asked, provenanceByDefault } = build.attestations;
  if (lacks("exporter.image.attestations") && Object.keys(asked).length > 0) {
    throw refused("Attestations are not supported by the current BuildKit daemon");
  }
  if (lacks("exporter.multiple")) {
    throw refused(
      "multiple outputs currently unsupported by the current BuildKit daemon, please upgrade to version v0.13+ or use a single output",
    );
  }
  if (lacks("exporter.image.annotations")) {
    throw refused(
      "annotations are not supported by the current BuildKit daemon, please upgrade to version v0.11+ or leave --annotation out",
    );
  }
  if (lacks("source.policy")) {
    throw refused("source policies are not supported by the current BuildKit daemon, please upgrade to version v0.11+");
  }
  const warnings: string[] = [];
  if (lacks("exec.meta.linux.resources")) {
    warnings.push("limits of what a RUN may use are not supported by the current BuildKit daemon: there are none");
  }
  const isKept = ({ type }: { readonly type: string }) => {
    if (type !== "gha" && type !== "s3") return true;
    if (!lacks(`cache.${type}`)) return true;
    warnings.push(`caches of type ${type} are not supported by the current BuildKit daemon: left out`);
    return false;
  };
  const { imports, exports } = build.caches;
  const caches = { ...build.caches, imports: imports.filter(isKept), exports: exports.filter(isKept) };
  const { "cache-imports": _, ...rest } = build.attrs;
  const canAttest = known.has("exporter.image.attestations");
  const attrs = {
    ...rest,
    ...cacheAttrs(caches),
    ...Object.fromEntries(Object.entries(asked).map(([type, value]) => [`attest:${type}`, value])),
    ...(canAttest && provenanceByDefault ? { "attest:provenance": defaultProvenance } : {}),
  };
  const outputs = build.attestations.withoutArtifact && canAttest ? build.outputs.map(withoutArtifact) : build.outputs;
  return { build: { ...build, attrs, caches, outputs }, warnings: [...new Set(warnings)] };
}

/** The build, and nothing said of it that nobody has asked for, where the engine is ours. */
async function withoutDefaults(build: PreparedBuild, engine: EngineToFit): Promise<PreparedBuild> {
  if (!build.attestations.provenanceByDefault) return build;
  const name = await engine.name().catch((error: unknown) => orElse(error, undefined));
  return name === ours ? { ...build, attestations: { ...build.attestations, provenanceByDefault: false } } : build;
}

/** What to think of an engine that cannot even be asked. */
function orElse<T>(error: unknown, otherwise: T): T {
  if (error instanceof BuildError && error.code === "unimplemented") return otherwise;
  throw error;
}

function needsOf({ attestations, outputs, caches, sourcePolicy, attrs }: PreparedBuild): ReadonlySet<Capability> {
  const needs = new Set<Capability>();
  const { asked, provenanceByDefault, withoutArtifact } = attestations;
  if (provenanceByDefault || withoutArtifact || Object.keys(asked).length > 0) {
    needs.add("exporter.image.attestations");
  }
  if (outputs.length > 1) needs.add("exporter.multiple");
  if (outputs.some((output) => Object.keys(output.attrs).some((key) => key.startsWith("annotation")))) {
    needs.add("exporter.image.annotations");
  }
  if (sourcePolicy) needs.add("source.policy");
  if (Object.keys(attrs).some(isResourceAttr)) needs.add("exec.meta.linux.resources");
  for (const { type } of [...caches.imports, ...caches.exports]) {
    if (type === "gha" || type === "s3") needs.add(`cache.${type}`);
  }
  return needs;
}

function withoutArtifact(output: PlannedOutput): PlannedOutput {
  const isImage = ["image", "oci", "moby"].includes(output.exporter) && output.attrs["oci-artifact"] === undefined;
  return isImage ? { ...output, attrs: { ...output.attrs, "oci-artifact": "false" } } : output;
}

const refused = (message: string) => new BuildError("unimplemented", message);

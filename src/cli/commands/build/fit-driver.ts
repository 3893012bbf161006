import { BuildError } from "../../../base/errors/mod.ts";
import { parseGoBool } from "../../../base/text/go-values/mod.ts";
import type { BuildOptions, PlannedOutput, PreparedBuild } from "../../../build/mod.ts";
import { type DriverFeatures, type DriverKind, requireFeature } from "../../../builder/mod.ts";

/** An engine as far as a build has to fit it. */
export interface FittingDriver {
  readonly kind: DriverKind;
  readonly features: DriverFeatures;
  /** How many platforms are asked for. */
  readonly platforms: number;
}

/**
 * What is asked for where the engine is the one inside Docker: loading an image into Docker is then nothing else than making it, and happens when
 * nothing else is asked for.
 */
export function wishesForDocker(options: BuildOptions, wishes: { readonly defaultLoad: boolean }): BuildOptions {
  const outputs = options.outputs.map((output) =>
    output.type === "docker" && output.dest === undefined ? { ...output, type: "image" } : output,
  );
  const isDefault = outputs.length === 0 && !options.push && wishes.defaultLoad;
  const needsImage = (options.load || isDefault) && !outputs.some(({ type }) => type === "image");
  return { ...options, load: false, outputs: needsImage ? [...outputs, { type: "image", attrs: {} }] : outputs };
}

/**
 * A build as the engine behind a driver takes it. The engine inside Docker has an exporter of its own for images, which go to Docker's store.
 * @throws {BuildError} for what the engine cannot do, with docker buildx's words
 */
export function fitToDriver(build: PreparedBuild, { kind, features, platforms }: FittingDriver): PreparedBuild {
  if (platforms > 1) requireFeature("multiPlatform", kind, features);
  if (Object.keys(build.attestations.asked).length > 0) requireFeature("attestation", kind, features);
  if (build.caches.exports.some(({ type }) => type !== "inline")) requireFeature("cacheExport", kind, features);
  for (const { exporter, target } of build.outputs) {
    if (exporter === "oci") requireFeature("ociExporter", kind, features);
    if (exporter === "docker" && target.type !== "docker-engine") requireFeature("dockerExporter", kind, features);
  }
  const fitted = features.attestation ? build : { ...build, attestations: none };
  if (kind !== "docker") return fitted;
  const attrs = "image-resolve-mode" in build.attrs ? build.attrs : { ...build.attrs, "image-resolve-mode": "local" };
  return { ...fitted, attrs, outputs: build.outputs.map((output) => inPlace(output, features)) };
}

const none: PreparedBuild["attestations"] = { asked: {}, provenanceByDefault: false, withoutArtifact: false };

function inPlace(output: PlannedOutput, features: DriverFeatures): PlannedOutput {
  const { exporter, attrs } = output;
  if (exporter !== "image") return output;
  // That store has no indexes, and passes over what is said of them.
  if (!features.multiPlatform && Object.keys(attrs).some((key) => key.startsWith("annotation-index"))) {
    throw new BuildError("invalid_argument", "index annotations not supported for single platform export");
  }
  if (isSet(attrs.push) && isSet(attrs["push-by-digest"])) {
    throw new BuildError(
      "unimplemented",
      "push-by-digest is currently not implemented for docker driver, please create a new builder instance",
    );
  }
  return { exporter: "moby", attrs, target: { type: "none" } };
}

/** Whether an output's attribute is on; an empty value means yes. */
export function isSet(value: string | undefined): boolean {
  return value !== undefined && (value === "" || parseGoBool(value) === true);
}

import { BuildError } from "../../base/errors/mod.ts";
import type { DriverFeatures, DriverKind } from "../driver.ts";

/** What a build may need that not every way to an engine has. */
export type NeededFeature = "attestation" | "cacheExport" | "dockerExporter" | "multiPlatform" | "ociExporter";

const names: Readonly<Record<NeededFeature, string>> = {
  attestation: "Attestation",
  cacheExport: "Cache export",
  dockerExporter: "Docker exporter",
  multiPlatform: "Multi-platform build",
  ociExporter: "OCI exporter",
};

/**
 * Refuses what the engine behind a driver cannot do, before it is asked to.
 * @throws {BuildError} `unimplemented` with docker buildx's words
 */
export function requireFeature(feature: NeededFeature, kind: DriverKind, features: DriverFeatures): void {
  if (features[feature]) return;
  const remedy =
    kind === "docker"
      ? "Switch to a different driver, or turn on the containerd image store, and try again."
      : "Switch to a different driver and try again.";
  throw new BuildError("unimplemented", `${names[feature]} is not supported for the ${kind} driver.\n${remedy}`);
}

import { BuildError } from "../../../base/errors/mod.ts";
import { parseGoBool } from "../../../base/text/go-values/mod.ts";
import type { AttestationAttributes } from "../asked.ts";

/** How a build's provenance is to be written. */
export interface ProvenanceWishes {
  /** `min`: what went in. `max`: also build arguments and labels, every step, and the files that say what to build. */
  readonly mode: "min" | "max";
  /** Form of the predicate. */
  readonly version: "v1" | "v0.2";
  /** Who builds, as a URI; empty: that is not said. */
  readonly builderId: string;
  /** Where it lies when it does not go into an image. */
  readonly filename: string;
  /** It goes into images alone. */
  readonly inlineOnly: boolean;
  /** The user claims that the build gives the same bytes again. */
  readonly reproducible: boolean;
  /** The build fails where something went in that cannot be named. */
  readonly completeMaterials: boolean;
}

/**
 * Reads the attributes of `attest:provenance`. Unknown ones mean nothing, as for BuildKit.
 * @throws {BuildError} `invalid_argument` with BuildKit's words
 */
export function readProvenanceWishes(attributes: AttestationAttributes): ProvenanceWishes {
  const { version = "v1", filename = "provenance.json" } = attributes;
  if (version !== "v1" && version !== "v0.2") {
    throw invalid(
      version === "" ? "provenance SLSA version cannot be empty" : `invalid provenance SLSA version: ${version}`,
    );
  }
  return {
    mode: readMode(attributes["mode"]),
    version,
    builderId: attributes["builder-id"] ?? "",
    filename,
    inlineOnly: parseGoBool(attributes["inline-only"] ?? "") ?? false,
    reproducible: readFlag(attributes, "reproducible"),
    completeMaterials: readFlag(attributes, "complete-materials"),
  };
}

function readMode(text = "max"): "min" | "max" {
  if (text === "min" || text === "max") return text;
  if (text === "full") return "max";
  throw invalid(`invalid mode ${JSON.stringify(text)}`);
}

function readFlag(attributes: AttestationAttributes, name: string): boolean {
  const text = attributes[name];
  if (text === undefined) return false;
  const value = parseGoBool(text);
  if (value !== undefined) return value;
  const flag = JSON.stringify(text);
  throw invalid(`failed to parse ${name} flag ${flag}: strconv.ParseBool: parsing ${flag}: invalid syntax`);
}

const invalid = (message: string) => new BuildError("invalid_argument", message);

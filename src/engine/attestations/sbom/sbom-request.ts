import { BuildError, messageOf } from "../../../base/errors/mod.ts";
import { formatReference, parseReference, withDefaultTag } from "../../../oci/mod.ts";
import type { AskedAttestations } from "../asked.ts";

/** A list of what is in a result that somebody wants. */
export interface SbomRequest {
  /** The image that makes the list, by its full name; `undefined`: the scanner of this engine. */
  readonly generator: string | undefined;
  /** What the scanner is told besides, by name. */
  readonly parameters: Readonly<Record<string, string>>;
}

/**
 * Whether somebody wants to know what is in a result, and who is to find out.
 * @throws {BuildError} `invalid_argument` for a generator that is no image's name, and for what this engine's scanner cannot be told
 */
export function sbomRequest(asked: AskedAttestations): SbomRequest | undefined {
  const attributes = asked.sbom;
  if (!attributes) return undefined;
  const { generator, ...parameters } = attributes;
  if (generator !== undefined) return { generator: imageName(generator), parameters };
  // Clients that are docker buildx say the type twice.
  const [unknown] = Object.keys(parameters).filter((name) => name !== "type");
  if (unknown === undefined) return { generator, parameters };
  throw new BuildError(
    "invalid_argument",
    `the engine's own SBOM scanner has no parameter ${JSON.stringify(unknown)}: name a scanner that has, for instance generator=docker/buildkit-syft-scanner:stable-1`,
  );
}

function imageName(text: string): string {
  if (text === "") throw new BuildError("invalid_argument", "sbom generator cannot be empty");
  try {
    return formatReference(withDefaultTag(parseReference(text)));
  } catch (cause) {
    const message = `failed to parse sbom generator ${text}: ${messageOf(cause)}`;
    throw new BuildError("invalid_argument", message, { cause });
  }
}

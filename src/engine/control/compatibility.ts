import { BuildError } from "../../base/errors/mod.ts";

/** What images are like now. */
export const newestCompatibility = 30n;
/** How BuildKit made them from 0.15 until 0.31: without a word about media types in Docker's. */
const dockerTypes = 20n;
/** Before that: files of repositories had other modes, which is gone here. */
const oldest = 10n;

/** One exporter of a request. */
export interface RequestedExporter {
  readonly Type: string;
  readonly Attrs: Readonly<Record<string, string>>;
}

/**
 * Checks which state of things a client wants its images to be like; 0 is the current one.
 * @throws {BuildError} `unsupported compatibility-version …`
 */
export function checkCompatibility(version: bigint): void {
  if (version === 0n || version === newestCompatibility || version === dockerTypes) return;
  const unsupported = `unsupported compatibility-version ${version}`;
  if (version > newestCompatibility) {
    throw new BuildError(
      "invalid_argument",
      `${unsupported}: upgrade buildkit (max supported: ${newestCompatibility})`,
    );
  }
  if (version === oldest)
    throw new BuildError("unimplemented", `${unsupported}: this engine has ${dockerTypes} and up`);
  throw new BuildError("invalid_argument", `${unsupported} (supported: [${dockerTypes} ${newestCompatibility}])`);
}

/** The exporter as it was meant at that time. Statements about an image have always needed OCI's media types. */
export function exporterAsOf(
  version: bigint,
  exporter: RequestedExporter,
  { isAttested }: { readonly isAttested: boolean },
): RequestedExporter {
  const { Type, Attrs } = exporter;
  if (version !== dockerTypes || isAttested || (Type !== "image" && Type !== "docker")) return exporter;
  return { Type, Attrs: { "oci-mediatypes": "false", ...Attrs } };
}

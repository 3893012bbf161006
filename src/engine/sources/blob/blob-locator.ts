import { BuildError } from "../../../base/errors/mod.ts";
import { type Digest, formatReference, parseReference, type Reference } from "../../../oci/mod.ts";

/** Where one blob lies: in a registry's repository, or in a layout that a client offers. */
export interface BlobLocator {
  readonly scheme: BlobScheme;
  readonly reference: Reference;
  readonly digest: Digest;
  /** The name before the digest, as it was written. */
  readonly name: string;
}

/** See {@link BlobLocator}. */
export type BlobScheme = "docker-image+blob" | "oci-layout+blob";

/**
 * Reads `<scheme>://<name>@<digest>`.
 * @throws {BuildError} `invalid_argument`
 */
export function parseBlobLocator(text: string): BlobLocator {
  const [, scheme = "", body = ""] = /^([^:]*):\/\/(.*)$/s.exec(text) ?? [];
  if (scheme !== "docker-image+blob" && scheme !== "oci-layout+blob") {
    throw new BuildError(
      "invalid_argument",
      `blob locator scheme ${JSON.stringify(scheme)} is not supported; expected "docker-image+blob" or "oci-layout+blob"`,
    );
  }
  const reference = parseReference(body);
  const { digest } = reference;
  if (digest === undefined)
    throw new BuildError("invalid_argument", `invalid blob reference ${body}: it needs a digest`);
  if (reference.tag !== undefined) {
    throw new BuildError("invalid_argument", `invalid blob reference ${formatReference(reference)}: a blob has no tag`);
  }
  return { scheme, reference, digest, name: body.slice(0, body.indexOf("@")) };
}

import { BuildError, type ErrorCode } from "../base/errors/mod.ts";

/** The registry does not take this kind of document: it is older than OCI's formats, or has them switched off. Another form of the image may do. */
export class ManifestRefusedError extends BuildError {
  /** What it refused. */
  readonly mediaType: string;
  /** Whose registry it is, for messages. */
  readonly registry: string;

  constructor(code: ErrorCode, message: string, refused: { mediaType: string; registry: string; cause: unknown }) {
    super(code, message, { cause: refused.cause });
    this.mediaType = refused.mediaType;
    this.registry = refused.registry;
  }
}

/**
 * Whether an answer to a manifest's push is about the kind of manifest, not about this one: registries that do not know OCI's newer documents all say
 * something like this. What they say of a name, a login or a blob that is missing is something else.
 */
export function refusesKind(status: number, message: string): boolean {
  if (
    /name.?(?:unknown|invalid)|blob.?unknown|repository.*(?:not found|does not exist)|tag.?(?:invalid|immutable)|immutable|denied|unauthorized|quota/i.test(
      message,
    )
  ) {
    return false;
  }
  if (status === 415) return true;
  if (![400, 404, 405, 406, 422, 500, 501].includes(status)) return false;
  return (
    /manifest.?(?:invalid|unknown)|unsupported|not supported|media ?type|unknown.*manifest|invalid.*schema|schema.*invalid/i.test(
      message,
    ) ||
    status === 404 ||
    status === 405
  );
}

const changed = ": the image was pushed in Docker's older format";

/** What to tell people when the image was then pushed in Docker's formats: in short, and line by line. */
export function formatChangeWarning(
  { registry, mediaType, message }: ManifestRefusedError,
  { withoutAttestations = false } = {},
): { readonly short: string; readonly detail: readonly string[] } {
  const dropped = withoutAttestations ? "--provenance=false --sbom=false " : "";
  return {
    short: `registry ${registry} does not take ${mediaType}${changed}${withoutAttestations ? ", without its attestations" : ""}`,
    detail: [
      `To ask for that from the start, and not be warned: ${dropped}--output type=image,oci-mediatypes=false,push=true`,
      message,
    ],
  };
}

/** Whether a warning is a {@link formatChangeWarning}. */
export function isFormatChangeWarning(short: string): boolean {
  return short.includes(changed);
}

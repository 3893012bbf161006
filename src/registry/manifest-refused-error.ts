import { BuildError, type ErrorCode } from "../base/errors/mod.ts";
import { withoutRequest } from "./response-error.ts";

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

/** What is wrong with a name, a login, a limit or a missing part has nothing to do with the kind of document. */
const otherReasons =
  /name.?(?:unknown|invalid)|blob.?unknown|repository.*(?:not found|does not exist)|tag.?(?:invalid|immutable)|immutable|overwrit|denied|forbidden|unauthorized|quota|storage limit|read.?only|too many/i;

/** What registries say of documents that they do not know. */
const unknownKind =
  /manifest.?(?:invalid|unknown)|unsupported|not supported|media ?type|unknown.*manifest|invalid.*schema|schema.*invalid|failed to satisfy constraint/i;

/** An answer that says nothing beyond its status: Harbor 1 answers 500 so, and Artifactory 6 has answered 400 so, to OCI's documents. */
const saysNothing =
  /^(?:400 Bad Request|500 Internal Server Error)(?:: (?:unknown(?:: (?:unknown(?: error)?|internal server error))?|internal server error|bad request))?$/i;

/**
 * Whether an answer to a manifest's push is about the kind of manifest, not about this one: registries that do not know OCI's newer documents all say
 * something like this. What they say of a name, a login or a blob that is missing is something else.
 * @param message status and words, as errors have them
 */
export function refusesKind(status: number, message: string): boolean {
  const said = withoutRequest(message);
  if (otherReasons.test(said)) return false;
  if (status === 404 || status === 405 || status === 415) return true;
  if (![400, 406, 422, 500, 501].includes(status)) return false;
  return unknownKind.test(said) || saysNothing.test(said);
}

/** How an image that a registry has refused was changed, so that it was taken. */
export interface FormChange {
  /** Its documents have Docker's formats now. */
  readonly format: boolean;
  /** What it says of itself has stayed behind. */
  readonly attestations: boolean;
  /** Its annotations have. */
  readonly annotations: boolean;
}

/** What to tell people when the image was then pushed in another form: in short, and line by line. */
export function formChangeWarning(
  { registry, mediaType, message }: ManifestRefusedError,
  { format, attestations, annotations }: FormChange,
): { readonly short: string; readonly detail: readonly string[] } {
  const what = format ? mediaType : "attestations";
  const lost = [...(attestations ? ["attestations"] : []), ...(annotations ? ["annotations"] : [])];
  const without = lost.length > 0 ? `without its ${lost.join(" and ")}` : "";
  const how = [...(format ? ["in Docker's older format"] : []), ...(without ? [without] : [])].join(", ");
  const flags = [
    ...(attestations ? ["--provenance=false --sbom=false"] : []),
    ...(format ? ["-o type=image,oci-mediatypes=false,push=true"] : []),
  ].join(" ");
  return {
    short: `registry ${registry} does not take ${what}: the image was pushed ${how} (to ask for that: ${flags})`,
    detail: [message],
  };
}

/** The registry that a {@link formChangeWarning} is about; `undefined` for other warnings. */
export function registryOfFormChange(short: string): string | undefined {
  return /^registry (\S+) does not take .*: the image was pushed (?:in|without) /.exec(short)?.[1];
}

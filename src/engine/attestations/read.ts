import { BuildError, isAbort, messageOf } from "../../base/errors/mod.ts";
import { baseName, joinPath } from "../../base/text/paths/mod.ts";
import type { Attestation, Attestations } from "./attestation.ts";
import { decodeStatement } from "./bundle.ts";
import { type Statement, type StatementSubject, subjectsOf } from "./statement.ts";

/** The longest file of a statement. */
const maxBytes = 40 * 1024 * 1024;
/** How much may be said of one platform's result: it is held in memory until it is exported. */
const maxTotalBytes = 4 * maxBytes;

/** One predicate that has been read. */
export interface ReadAttestation {
  readonly attestation: Attestation;
  /** JSON. */
  readonly predicate: string;
}

/** Refuses what frontends may not say: how a result was made, the engine alone knows. @throws {BuildError} `invalid_argument` */
export function refuseProvenance(attestations: Attestations): void {
  for (const { kind, predicateType } of [...attestations.values()].flat()) {
    if (kind === "in-toto" && isProvenance(predicateType)) {
      throw new BuildError("invalid_argument", "frontend may not set provenance attestations");
    }
  }
}

/** Those that also go where they do not end up inside of an image. */
export function withoutInlineOnly(attestations: readonly Attestation[]): readonly Attestation[] {
  return attestations.filter(({ metadata }) => textOf(metadata["inline-only"]) !== "true");
}

/**
 * Reads what is said of one platform's result, bundles taken apart, what an SBOM says of the result itself (rather than of its making) first.
 * @throws {BuildError} for what cannot be read, or is no JSON
 */
export async function readAttestations(
  attestations: readonly Attestation[],
  { signal }: { readonly signal: AbortSignal },
): Promise<readonly ReadAttestation[]> {
  const read: ReadAttestation[] = [];
  let total = 0;
  const text = async ({ files }: Attestation, path: string): Promise<string> => {
    const bytes = await files.readFile(path, { signal, maxBytes }).catch((error: unknown) => {
      if (isAbort(error) || signal.aborted || !(error instanceof BuildError)) throw error;
      throw new BuildError(error.code, `cannot read in-toto attestation: ${error.message}`, { cause: error });
    });
    total += bytes.byteLength;
    if (total > maxTotalBytes) {
      throw new BuildError("resource_exhausted", `the attestations of a result take more than ${maxTotalBytes} bytes`);
    }
    return new TextDecoder().decode(bytes);
  };
  for (const attestation of attestations) {
    if (attestation.kind === "bundle") {
      for (const { path } of await attestation.files.readDir(attestation.path, { signal })) {
        const full = joinPath(attestation.path, baseName(path));
        const { predicate, ...said } = decodeStatement(await text(attestation, full), full);
        refuseInBundle(said.predicateType, attestation.predicateType);
        read.push({ attestation: { ...attestation, kind: "in-toto", path: full, ...said }, predicate });
      }
      continue;
    }
    if (attestation.path === "") throw new BuildError("invalid_argument", "attestation does not have set path");
    const predicate = await text(attestation, attestation.path);
    read.push({ attestation, predicate: predicate === "" ? "null" : checked(predicate, attestation.path) });
  }
  return [...read.filter(isCore), ...read.filter((one) => !isCore(one))];
}

/** The statement of a predicate, about what it is attached to unless its author says otherwise. */
export function statementOf(
  { attestation: { predicateType, subjects }, predicate }: ReadAttestation,
  self: readonly StatementSubject[],
): Statement {
  return { predicateType, subjects: subjectsOf(subjects, self), predicate };
}

/** Whether it is the SBOM of the result itself: the scanner says which of its files that is, without the name's endings. */
export function isCore({ attestation: { path, metadata } }: ReadAttestation): boolean {
  const name = textOf(metadata["sbom-core"]);
  return name !== undefined && baseName(path).split(".", 1)[0] === name;
}

function refuseInBundle(predicateType: string, wanted: string): void {
  if (wanted !== "" && predicateType !== wanted) {
    throw new BuildError(
      "invalid_argument",
      `bundle entry ${predicateType} does not match required predicate type ${wanted}`,
    );
  }
  if (isProvenance(predicateType)) {
    throw new BuildError("invalid_argument", "frontend may not bundle provenance attestations");
  }
}

function checked(predicate: string, path: string): string {
  try {
    JSON.parse(predicate);
    return predicate;
  } catch (cause) {
    throw new BuildError("invalid_argument", `failed to marshal attestation: ${path}: ${messageOf(cause)}`, { cause });
  }
}

function isProvenance(predicateType: string): boolean {
  return predicateType.startsWith("https://slsa.dev/provenance/");
}

function textOf(bytes: Uint8Array | undefined): string | undefined {
  return bytes && new TextDecoder().decode(bytes);
}

import type { Attestation, AttestationFiles } from "../attestation.ts";
import { coreName } from "./scanner-run.ts";

/** Type of statements that list software, as SPDX writes it. */
export const spdxPredicate = "https://spdx.dev/Document";

/** A directory of lists, as a scanner has left it: one file for each. */
export function sbomAttestation(files: AttestationFiles): Attestation {
  const bytes = (text: string) => new TextEncoder().encode(text);
  return {
    kind: "bundle",
    metadata: { reason: bytes("sbom"), "sbom-core": bytes(coreName) },
    path: "",
    predicateType: spdxPredicate,
    subjects: [],
    files,
  };
}
